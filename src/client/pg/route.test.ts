import { describe, expect, test } from 'vitest'
import { failure } from '../told.js'
import { Route, type Way } from './ways.js'

const way = (place: string, second = false): Way => ({
  ...{ place, second, wants: 'any' },
  config: { connectionTimeoutMillis: 30_000 },
})

const refused = failure('connection-refused', 'connect ECONNREFUSED', { phase: 'connect' })
const broken = failure('tls-failure', 'the handshake broke', { phase: 'connect' })

function route(...ways: Way[]) {
  let now = 0
  const of = new Route(ways, 10_000, () => now)
  return {
    of,
    pass: (ms: number) => {
      now += ms
    },
  }
}

describe('of several hosts', () => {
  test('the next one follows a failure, and the first has its turn again after a minute', () => {
    const { of, pass } = route(way('a'), way('b'))
    of.failed(of.way, refused)
    expect(of.way.place).toBe('b')
    of.worked(of.way, false)
    pass(59_000)
    expect(of.way.place).toBe('b')
    pass(2_000)
    expect(of.way.place).toBe('a')
  })

  test('others that failed on the same way change nothing more', () => {
    const { of } = route(way('a'), way('b'), way('c'))
    const first = of.way
    of.failed(first, refused)
    of.failed(first, refused)
    expect(of.way.place).toBe('b')
  })

  test('each has its part of the time, so that a silent one leaves some', () => {
    const { of } = route(way('a'), way('b'))
    expect(of.way.config.connectionTimeoutMillis).toBe(4500)
    expect(route(way('a')).of.way.config.connectionTimeoutMillis).toBe(30_000)
  })
})

describe('without TLS', () => {
  test('is only tried where TLS failed', () => {
    const { of } = route(way('a'), way('a', true), way('b'), way('b', true))
    of.failed(of.way, refused)
    expect(of.way).toMatchObject({ place: 'b', second: false })
    of.failed(of.way, broken)
    expect(of.way).toMatchObject({ place: 'b', second: true })
  })

  test('is kept where the server has none, and not because a handshake broke', () => {
    const { of } = route(way('a'), way('a', true))
    of.failed(of.way, broken)
    of.worked(of.way, false)
    expect(of.way.second).toBe(false)
    of.failed(of.way, broken)
    of.worked(of.way, true)
    expect(of.way.second).toBe(true)
  })
})
