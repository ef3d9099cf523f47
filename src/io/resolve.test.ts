import { getEventListeners } from 'node:events'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openHandles, untilOnly } from '../../test/support/handles.js'
import { cachedResolve, interleave, isLiteral, type Resolved, resolveHost, untilAborted } from './resolve.js'

const never = () => new AbortController().signal
const four = (address: string): Resolved => ({ address, family: 4 })
const six = (address: string): Resolved => ({ address, family: 6 })

describe('a name', () => {
  test('of this machine leads to a loopback address', async () => {
    const found = await resolveHost('localhost', never())
    expect(found.map(one => one.address)).toContain('127.0.0.1')
    for (const { address, family } of found) expect(isIP(address)).toBe(family)
  })

  test('that the hosts file has is found by the system’s own rules', async () => {
    const { hostname } = await import('node:os')
    const found = await resolveHost(hostname(), never())
    expect(found.length).toBeGreaterThan(0)
    for (const { address, family } of found) expect(isIP(address)).toBe(family)
  })

  test('that does not exist is told as Node tells it', async () => {
    await expect(resolveHost('no-such-name.invalid', never())).rejects.toMatchObject({
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: 'no-such-name.invalid',
      message: 'getaddrinfo ENOTFOUND no-such-name.invalid',
    })
  })

  test('in other letters is looked up as the resolver knows it', async () => {
    await expect(resolveHost('bücher.invalid', never())).rejects.toMatchObject({
      hostname: 'xn--bcher-kva.invalid',
    })
  })

  test('that looks like an option is a name all the same', async () => {
    await expect(resolveHost('--help', never())).rejects.toMatchObject({ syscall: 'getaddrinfo' })
  })

  test('is looked up no longer than the signal allows, and no process stays behind', async () => {
    const before = openHandles()
    for (const turns of [0, 1, 2, 5]) {
      const controller = new AbortController()
      const reason = new Error('the deadline')
      const looking = resolveHost('no-such-name.invalid', controller.signal)
      for (let i = 0; i < turns; i++) await new Promise(resolve => setImmediate(resolve))
      controller.abort(reason)
      await expect(looking).rejects.toSatisfy(error => error === reason || error.code === 'ENOTFOUND')
      if (turns === 0) await expect(looking).rejects.toBe(reason)
    }
    await untilOnly(before)
  })

  test('is not looked up after the signal', async () => {
    const reason = new Error('too late')
    for (const name of ['localhost', 'no-such-name.invalid'])
      await expect(resolveHost(name, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

describe('what was found', () => {
  const resolver = () => {
    const asked: string[] = []
    let now = 0
    const answers: Record<string, readonly Resolved[] | Error> = { db: [four('10.0.0.1')] }
    const resolve = cachedResolve(
      async host => {
        asked.push(host)
        const answer = answers[host] ?? new Error(`no ${host}`)
        if (answer instanceof Error) throw answer
        return answer
      },
      () => now,
    )
    return {
      asked,
      answers,
      look: (host: string) => resolve(host, never()),
      at: (ms: number) => {
        now = ms
      },
    }
  }

  test('is kept for a second', async () => {
    const { asked, answers, look, at } = resolver()
    expect(await look('db')).toEqual([four('10.0.0.1')])
    answers.db = [four('10.0.0.2')]
    at(999)
    expect(await look('db')).toEqual([four('10.0.0.1')])
    expect(asked).toEqual(['db'])
    at(1000)
    expect(await look('db')).toEqual([four('10.0.0.2')])
    expect(asked).toEqual(['db', 'db'])
  })

  test('is kept for each name of its own', async () => {
    const { answers, look } = resolver()
    answers.cache = [six('::2')]
    await look('db')
    expect(await look('cache')).toEqual([six('::2')])
  })

  test('is not kept where nothing was: the name may appear', async () => {
    const { answers, look } = resolver()
    await expect(look('late')).rejects.toThrow('no late')
    answers.late = [four('10.0.0.3')]
    expect(await look('late')).toEqual([four('10.0.0.3')])
  })
})

describe('addresses of both families', () => {
  test.each<[string, Resolved[], string[]]>([
    [
      'take turns',
      [six('::1'), six('::2'), four('1.1.1.1'), four('2.2.2.2')],
      ['::1', '1.1.1.1', '::2', '2.2.2.2'],
    ],
    ['begin with the resolver’s first', [four('1.1.1.1'), six('::1'), six('::2')], ['1.1.1.1', '::1', '::2']],
    [
      'go on alone',
      [six('::1'), four('1.1.1.1'), four('2.2.2.2'), four('3.3.3.3')],
      ['::1', '1.1.1.1', '2.2.2.2', '3.3.3.3'],
    ],
    ['come once', [four('1.1.1.1'), four('1.1.1.1'), six('::1'), four('1.1.1.1')], ['1.1.1.1', '::1']],
    ['need not be there', [], []],
  ])('%s', (_, found, order) => expect(interleave(found).map(one => one.address)).toEqual(order))

  test('are all there afterwards, each once, and each family in its order', () => {
    const address = fc.oneof(fc.ipV4().map(four), fc.ipV6().map(six))
    fc.assert(
      fc.property(fc.array(address), found => {
        const order = interleave(found)
        const unique = [...new Map(found.map(one => [one.address, one])).values()]
        for (const family of [4, 6])
          expect(order.filter(one => one.family === family)).toEqual(
            unique.filter(one => one.family === family),
          )
        expect(order[0]).toEqual(found[0])
        const least = Math.min(...[4, 6].map(family => unique.filter(one => one.family === family).length))
        for (let i = 1; i < 2 * least; i++) expect(order[i]?.family).not.toBe(order[i - 1]?.family)
      }),
    )
  })
})

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['fe80::1%eth0', true],
  ['localhost', false],
  ['db', false],
  ['1.2.3', false],
  ['', false],
])('%j needs no resolver: %s', (host, is) => expect(isLiteral(host)).toBe(is))

describe('a promise under a signal', () => {
  test('gives what it gives, and leaves no listener', async () => {
    const { signal } = new AbortController()
    expect(await untilAborted(Promise.resolve(1), signal)).toBe(1)
    await expect(untilAborted(Promise.reject(new Error('x')), signal)).rejects.toThrow('x')
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('is left when the signal comes, and what it waits for is cancelled', async () => {
    const controller = new AbortController()
    let cancelled = 0
    const waiting = untilAborted(new Promise(() => {}), controller.signal, () => cancelled++)
    controller.abort('now')
    await expect(waiting).rejects.toBe('now')
    expect(cancelled).toBe(1)
  })

  test.each(['before', 'meanwhile'])(
    'that fails after a signal that came %s is nobody’s unhandled rejection',
    async when => {
      const controller = new AbortController()
      let fail = (_: Error) => {}
      const late = new Promise((_, reject) => {
        fail = reject
      })
      if (when === 'before') controller.abort('now')
      const waiting = untilAborted(late, controller.signal)
      if (when === 'meanwhile') controller.abort('now')
      await expect(waiting).rejects.toBe('now')
      const unhandled: unknown[] = []
      const note = (reason: unknown) => unhandled.push(reason)
      process.on('unhandledRejection', note)
      fail(new Error('late'))
      await new Promise(resolve => setImmediate(resolve))
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
    },
  )
})
