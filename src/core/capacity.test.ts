import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capacity, crowding } from './capacity.js'

const server = { connectionsMax: 100, connectionsReserved: 3, connectionsUsed: 10 }

describe('a pool', () => {
  test('that fits is no concern', () => {
    expect(capacity(server, { max: 20, processes: 3 })).toBeUndefined()
  })

  test('beyond what is not reserved for the superuser never fits', () => {
    expect(capacity(server, { max: 20, processes: 5 })).toEqual({
      id: 'pool-too-large',
      level: 'error',
      message: '5 pools of 20, 100 connections: more than the 97 connections that the server allows',
      advice: expect.any(String),
      fix: 'pool: { max: 15, processes: 5 }',
    })
  })

  test('beyond the limit of the role never fits, whatever the server has', () => {
    const facts = { ...server, roleConnectionsMax: 5, roleConnectionsUsed: 1 }
    expect(capacity(facts, { max: 6 })).toMatchObject({
      id: 'pool-too-large',
      message: 'a pool of 6: more than the 5 connections that the role allows',
    })
  })

  test('beyond what others leave does not fit now', () => {
    const facts = { ...server, databaseConnectionsMax: 30, databaseConnectionsUsed: 15 }
    expect(capacity(facts, { max: 20 })).toMatchObject({
      id: 'pool-does-not-fit-now',
      fix: 'pool: { max: 15 }',
    })
  })

  test('of more than four fifths leaves nothing for a deployment', () => {
    expect(capacity(server, { max: 80 })).toMatchObject({ id: 'pool-leaves-little', level: 'warning' })
  })

  test('is not judged where no limit is known, as behind a pooler', () => {
    expect(capacity({ via: 'pgbouncer' }, { max: 1000 })).toBeUndefined()
  })

  test('as small as the fix says is never too large for a server that has room', () => {
    const count = fc.integer({ min: 1, max: 500 })
    fc.assert(
      fc.property(count, count, fc.integer({ min: 1, max: 20 }), (connectionsMax, max, processes) => {
        const fix = capacity({ connectionsMax }, { max, processes })?.fix ?? ''
        const smaller = Number(/max: (\d+)/.exec(fix)?.[1] ?? max)
        if (processes > connectionsMax) return
        expect(capacity({ connectionsMax }, { max: smaller, processes })?.id).not.toBe('pool-too-large')
      }),
    )
  })
})

describe('a server', () => {
  test.each([
    ['half full', { connectionsMax: 10, connectionsUsed: 5 }, undefined],
    ['more than four fifths full', { connectionsMax: 10, connectionsUsed: 9 }, 'warning'],
    ['full but for the reserve', { connectionsMax: 10, connectionsReserved: 3, connectionsUsed: 7 }, 'error'],
    ['of unknown use', { connectionsMax: 10 }, undefined],
  ])('%s', (_, facts, level) => {
    expect(crowding(facts)?.level).toBe(level)
  })

  test('is as full as the fullest of its limits', () => {
    const facts = { connectionsMax: 100, connectionsUsed: 50, roleConnectionsMax: 4, roleConnectionsUsed: 4 }
    expect(crowding(facts)?.message).toBe('4 of the 4 connections that the role allows are taken')
  })
})
