import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { fakeService, fakeTarget } from '../../test/support/fake-service.js'
import { type Handles, openHandles, untilOnly } from '../../test/support/handles.js'
import { type Peer, type Script, startPeer } from '../../test/support/peer.js'
import { eofOnAccept, refused, silent } from '../../test/support/peers.js'
import { freePort } from '../../test/support/root.js'
import { Secret } from '../core/redact.js'
import { ProbeError } from '../core/service.js'
import { parseTarget, type Target } from '../core/target.js'
import type { NotReady, Step } from '../core/verdict.js'
import type { Resolve } from '../io/resolve.js'
import { redis } from '../services/redis/index.js'
import { SCHEMES } from '../services/registry.js'
import { Trace } from './attempt.js'
import type { ProbeOptions } from './options.js'
import { probeOnce } from './probe.js'

const peers: Peer[] = []
let before: Handles
beforeEach(() => {
  before = openHandles()
})
afterEach(async () => {
  await Promise.all(peers.splice(0).map(peer => peer.close()))
  await untilOnly(before)
})

const started = async (script: Script, options: { host?: string; port?: number } = {}): Promise<Peer> => {
  const peer = await startPeer(script, options)
  peers.push(peer)
  return peer
}

/** A Redis that answers every command, as an old version does. */
const answering: Script = async peer => {
  for (;;) {
    const said = (await peer.readSome()).toString()
    await peer.send(said.includes('PING') ? '+PONG\r\n' : "-ERR unknown command 'X'\r\n")
  }
}
const rejecting: Script = async peer => {
  await peer.readSome()
  await peer.send('-WRONGPASS invalid username-password pair\r\n')
  await peer.hang()
}
const loading: Script = async peer => {
  await peer.readSome()
  await peer.send('-LOADING Redis is loading the dataset in memory\r\n')
  await peer.hang()
}

const parse = (text: string): Target => parseTarget(text, { schemes: SCHEMES })
const resolvesTo =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))

async function probe(target: Target, options: ProbeOptions = {}) {
  const { verdict, session } = await probeOnce(target, redis, { identify: false, ...options })
  await session?.close()
  return verdict
}

const shown = (steps: readonly Step[]) =>
  steps.map(({ layer, state, address, code }) => [layer, state, address, code].filter(Boolean).join(' '))

/** A peer on both loopback addresses, at one port. */
async function both(first: Script | undefined, second: Script | undefined) {
  const port = await freePort()
  if (first) await started(first, { host: '::1', port })
  if (second) await started(second, { host: '127.0.0.1', port })
  return { target: parse(`redis://db:${port}`), resolve: resolvesTo('::1', '127.0.0.1') }
}

describe('a name with two addresses is ready', () => {
  test('where the first refuses, which stays on record', async () => {
    const { target, resolve } = await both(undefined, answering)
    const verdict = await probe(target, { resolve })
    expect(verdict.ready).toBe(true)
    expect(shown(verdict.steps)).toEqual([
      'dns ok',
      'tcp failed ::1 ECONNREFUSED',
      'tcp ok 127.0.0.1',
      'handshake ok',
      'query ok',
    ])
    expect(verdict.steps[0]?.detail).toBe('::1, 127.0.0.1')
  })

  test.each<[string, Script]>([
    ['accepts and closes', eofOnAccept],
    ['accepts and is silent', silent],
  ])('where the first %s', async (_, script) => {
    const { target, resolve } = await both(script, answering)
    const verdict = await probe(target, { resolve, timeoutMs: 500 })
    expect(verdict.ready).toBe(true)
    expect(shown(verdict.steps)).toContain('tcp ok ::1')
    expect(shown(verdict.steps).slice(-3)).toEqual(['tcp ok 127.0.0.1', 'handshake ok', 'query ok'])
  })

  test('and is not asked at the second where the first said that it is not', async () => {
    const { target, resolve } = await both(loading, answering)
    expect(await probe(target, { resolve })).toMatchObject({
      ready: false,
      heard: true,
      finding: { reason: 'server-not-ready', code: 'LOADING' },
    })
    expect(peers[1]?.connections).toBe(0)
  })

  test('or not, and then the last word counts', async () => {
    const { target, resolve } = await both(eofOnAccept, eofOnAccept)
    expect(await probe(target, { resolve })).toMatchObject({
      ready: false,
      heard: false,
      finding: { reason: 'connection-lost' },
    })
  })
})

describe('of several hosts', () => {
  const at = (...all: { host: string; port: number }[]) =>
    parse(`redis://${all.map(one => `${one.host}:${one.port}`).join(',')}`)

  test('the first that is ready is enough', async () => {
    const [good, other] = [await started(answering), await started(answering)]
    expect((await probe(at(await refused(), good, other))).ready).toBe(true)
    expect(other.connections).toBe(0)
  })

  test('one that starts sends on to the next', async () => {
    expect((await probe(at(await started(loading), await started(answering)))).ready).toBe(true)
  })

  test('one that rejects the login is the last, as it is for libpq', async () => {
    const [first, second] = [await started(rejecting), await started(answering)]
    expect(await probe(at(first, second))).toMatchObject({
      ready: false,
      finding: { reason: 'authentication-failed', code: 'WRONGPASS' },
    })
    expect(second.connections).toBe(0)
  })

  test('one that answered tells more than one that did not', async () => {
    const verdict = await probe(at(await started(loading), await refused()))
    expect(verdict).toMatchObject({ ready: false, finding: { reason: 'server-not-ready' } })
    expect(shown(verdict.steps).at(-1)).toMatch(/^tcp failed 127\.0\.0\.1 ECONNREFUSED$/)
  })

  test('one that accepts tells more than one that is gone, in whatever order', async () => {
    const [accepting, gone] = [await started(eofOnAccept), await refused()]
    for (const hosts of [at(accepting, gone), at(gone, accepting)])
      expect(await probe(hosts)).toMatchObject({ finding: { reason: 'connection-lost' } })
    const { target, resolve } = await both(eofOnAccept, undefined)
    expect(await probe(target, { resolve })).toMatchObject({ finding: { reason: 'connection-lost' } })
  })

  test('one that hangs leaves time for the next', async () => {
    const verdict = await probe(at(await started(silent), await started(answering)), { timeoutMs: 400 })
    expect(verdict.ready).toBe(true)
  })
})

describe('a probe ends', () => {
  const hanging: Resolve = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

  test('at its deadline, and names the resolver where that hangs', async () => {
    const clock = new FakeClock()
    const verdict = (await clock.run(
      probe(parse('redis://db'), { clock, resolve: hanging, timeoutMs: 800 }),
    )) as NotReady
    expect(clock.now()).toBe(800)
    expect(verdict).toMatchObject({
      layer: 'dns',
      heard: false,
      finding: {
        reason: 'dns-failure',
        code: 'ETIMEDOUT',
        message: 'the resolver did not answer within 800 ms',
      },
    })
    expect(shown(verdict.steps)).toEqual(['dns running'])
    expect(clock.pending).toBe(0)
  })

  test('where the resolver fails, with its code', async () => {
    const resolve: Resolve = async () => {
      throw Object.assign(new Error('getaddrinfo ENOTFOUND db'), {
        code: 'ENOTFOUND',
        syscall: 'getaddrinfo',
      })
    }
    const verdict = await probe(parse('redis://db'), { resolve })
    expect(verdict).toMatchObject({ layer: 'dns', finding: { reason: 'dns-failure', code: 'ENOTFOUND' } })
    expect(shown(verdict.steps)).toEqual(['dns failed ENOTFOUND'])
  })

  test('with a signal that came before, and rejects nothing', async () => {
    const resolve: Resolve = async () => {
      throw new Error('nobody should mind')
    }
    const signal = AbortSignal.abort(new Error('too late'))
    expect((await probe(parse('redis://db'), { resolve, signal })).ready).toBe(false)
    expect((await probe(parse('redis://127.0.0.1:1'), { signal })).ready).toBe(false)
    await new Promise(resolve => setImmediate(resolve))
  })

  test('with a signal that comes meanwhile, and closes the connection', async () => {
    const peer = await started(silent)
    const controller = new AbortController()
    const probing = probe(parse(`redis://127.0.0.1:${peer.port}`), { signal: controller.signal })
    await (await peer.waitForConnection()).readSome()
    controller.abort(new Error('enough'))
    expect((await probing).ready).toBe(false)
    while (peer.open > 0) await new Promise(resolve => setImmediate(resolve))
  })

  test('after the port alone where no more is wanted, and leaves no session', async () => {
    const peer = await started(silent)
    const { verdict, session } = await probeOnce(parse(`redis://127.0.0.1:${peer.port}`), redis, {
      until: 'tcp',
    })
    expect(shown(verdict.steps)).toEqual(['tcp ok 127.0.0.1'])
    expect(session).toBeUndefined()
  })
})

describe('what a verdict shows', () => {
  const target: Target = { ...fakeTarget(), password: new Secret('hunter22') }
  const probing = async (login: Parameters<typeof fakeService>[1]) => {
    const clock = new FakeClock()
    const { verdict, session } = await clock.run(
      probeOnce(target, fakeService(clock, login), { clock, identify: false }),
    )
    await session?.close()
    return verdict
  }

  test('is free of secrets and control characters where the target failed', async () => {
    const finding = {
      reason: 'access-denied',
      message: 'denied\u001b[31m hunter22\nby policy',
      advice: 'Do not use hunter22.\u0007',
    } as const
    const verdict = await probing(() => ({
      fails: new ProbeError(finding, { product: 'P', version: '1 hunter22' }),
    }))
    expect(verdict).toMatchObject({
      finding: { message: 'denied *** by policy', advice: 'Do not use ***.' },
      server: { product: 'P', version: '1 ***' },
    })
    expect(JSON.stringify(verdict)).not.toContain('hunter22')
  })

  test('and where it is ready', async () => {
    const verdict = await probing(() => ({ server: { version: 'hunter22\u202e', ageMs: 5 } }))
    expect(verdict).toMatchObject({ ready: true, server: { product: 'Fake', version: '***', ageMs: 5 } })
  })

  test('is plain data', async () => {
    for (const login of [{}, { fails: 'access-denied' } as const]) {
      const verdict = await probing(() => login)
      expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict)
    }
  })
})

describe('the trace of a probe', () => {
  const clock = () => {
    let now = 0
    return { now: () => now, pass: (ms: number) => (now += ms) }
  }

  test('has each step with its time, and the innermost that failed as its layer', async () => {
    const { now, pass } = clock()
    const trace = new Trace(now)
    expect(trace.layer).toBe('config')
    const dialled = trace.begin('tcp', '::1')
    pass(5)
    dialled({ state: 'ok' })
    expect(trace.layer).toBe('tcp')
    const { signal } = new AbortController()
    await trace.step('auth', async () => void pass(1.2345), signal)
    const failing = trace.step(
      'query',
      async () => Promise.reject(Object.assign(new Error(), { code: 'X' })),
      signal,
    )
    await expect(failing).rejects.toThrow()
    expect(trace.steps).toEqual([
      { layer: 'tcp', address: '::1', ms: 5, state: 'ok' },
      { layer: 'auth', ms: 1.23, state: 'ok' },
      { layer: 'query', ms: 0, state: 'failed', code: 'X' },
    ])
    expect(trace.layer).toBe('query')
  })

  test('leaves a step running that the signal cut off, and its time goes on', async () => {
    const { now, pass } = clock()
    const trace = new Trace(now)
    const step = trace.step('handshake', async () => Promise.reject(new Error()), AbortSignal.abort())
    await expect(step).rejects.toThrow()
    pass(7)
    expect(trace.steps).toEqual([{ layer: 'handshake', ms: 7, state: 'running' }])
  })

  test('has the code of an error only where it is one', async () => {
    const trace = new Trace(() => 0)
    for (const thrown of [undefined, { code: 4031 }, new Error()])
      await trace.step('query', () => Promise.reject(thrown), new AbortController().signal).catch(() => {})
    expect(trace.steps.map(step => 'code' in step)).toEqual([false, false, false])
  })
})
