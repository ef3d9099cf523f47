import { beforeAll, expect, test } from 'vitest'
import type { Verdict } from '../../src/core/verdict.js'
import { type Blackhole, startBlackhole } from '../support/blackhole.js'
import type { Script } from '../support/peer.js'
import * as peers from '../support/peers.js'
import { leavingNothing, probe, startedPeer } from './probing.js'
import { drips, pours } from './scripts.js'
import type { Place } from './subject.js'
import { SUBJECTS } from './subjects.js'

const DEADLINE_MS = 300
const OVERRUN_MS = 100

const FACES = SUBJECTS.flatMap(({ faces }) => faces)
const NOWHERE: Place = { host: '', port: 0 }

const FAULTY: readonly (readonly [string, Script])[] = [
  ['is silent', peers.silent],
  ['closes at once', peers.eofOnAccept],
  ['resets at once', peers.resetOnAccept],
  ['closes after the first bytes', peers.eofAfterFirstBytes],
  ['resets after the first bytes', peers.resetAfterFirstBytes],
  ['drips letters', drips('x')],
  ['drips zeros', drips('\0')],
  ['floods', pours(Buffer.alloc(65_536, 'x'))],
  ['speaks MySQL', peers.greets(peers.GREETINGS.mysql)],
]

// The first probe of a kind loads modules, which is no part of a deadline.
beforeAll(async () => {
  const peer = await peers.refused()
  for (const { address } of FACES) await probe(address(peer))
  await import('../../src/io/tls.js')
})
leavingNothing()

/**
 * How much later than a timer that was set at the same moment the probe ended: a stalled machine delays both. Where
 * it stalls between the two, it does not do so three times over.
 */
async function timed(address: string, tries = 3): Promise<{ overrun: number; verdict: Verdict }> {
  const measured = await timedOnce(address)
  if (measured.overrun < OVERRUN_MS || tries === 1) return measured
  return timed(address, tries - 1)
}

async function timedOnce(address: string): Promise<{ overrun: number; verdict: Verdict }> {
  let rang = Number.POSITIVE_INFINITY
  const timer = setTimeout(() => {
    rang = performance.now()
  }, DEADLINE_MS)
  const { verdict } = await probe(address, { timeoutMs: DEADLINE_MS })
  clearTimeout(timer)
  return { overrun: Math.max(0, performance.now() - rang), verdict }
}

/** The overruns of a probe by every face that are too long, by label. */
async function overruns(at: Place): Promise<Record<string, number>> {
  const all = FACES.map(async face => [face.label, (await timed(face.address(at))).overrun] as const)
  return Object.fromEntries((await Promise.all(all)).filter(([, overrun]) => overrun > OVERRUN_MS))
}

test.each(FAULTY)('a peer that %s holds no probe up beyond its deadline', async (_, script) => {
  expect(await overruns(await startedPeer(script))).toEqual({})
})

async function inBlackhole(work: (hole: Blackhole) => Promise<void>): Promise<void> {
  const hole = await startBlackhole()
  await work(hole).finally(() => hole.close())
}

test('a black hole holds no probe up beyond its deadline', () =>
  inBlackhole(async hole => expect(await overruns(hole)).toEqual({})))

for (const { name, stalls } of SUBJECTS) {
  for (const stall of stalls) {
    const place = async () => (stall.script ? startedPeer(stall.script) : NOWHERE)

    test(`${name}, ${stall.name}: the deadline holds, and names the layer that hangs`, async () => {
      const { overrun, verdict } = await timed(stall.address(await place()))
      expect(verdict).toMatchObject({ layer: stall.layer, finding: { reason: stall.reason } })
      expect(verdict.steps.at(-1)).toMatchObject({ layer: stall.layer, state: 'running' })
      expect(overrun).toBeLessThan(OVERRUN_MS)
    })

    test(`${name}, ${stall.name}: an abort ends the probe at once`, async () => {
      const at = await place()
      const abort = new AbortController()
      const probing = probe(stall.address(at), { timeoutMs: 60_000, signal: abort.signal })
      await ('waitForConnection' in at ? at.waitForConnection() : new Promise(setImmediate))
      abort.abort()
      const before = performance.now()
      const { verdict } = await probing
      expect(performance.now() - before).toBeLessThan(OVERRUN_MS)
      expect(verdict.ready).toBe(false)
    })
  }
}

test.each(FACES)('$label: an abort before the probe begins opens no connection', async face => {
  const peer = await startedPeer(peers.silent)
  const { verdict } = await probe(face.address(peer), { signal: AbortSignal.abort() })
  expect(verdict.ready).toBe(false)
  expect(peer.connections).toBe(0)
})

test.each(FACES)('$label: an abort during a black hole ends the probe at once', face =>
  inBlackhole(async hole => {
    const abort = new AbortController()
    const probing = probe(face.address(hole), { timeoutMs: 60_000, signal: abort.signal })
    setImmediate(() => abort.abort())
    const { verdict } = await probing
    expect(verdict).toMatchObject({ ready: false, layer: 'tcp' })
  }),
)
