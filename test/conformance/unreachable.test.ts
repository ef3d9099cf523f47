import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mayDescend } from '../../src/core/verdict.js'
import { type Blackhole, startBlackhole } from '../support/blackhole.js'
import type { Script } from '../support/peer.js'
import * as peers from '../support/peers.js'
import { leavingNothing, refusal, startedPeer } from './probing.js'
import { SUBJECTS } from './subjects.js'

let hole: Blackhole
beforeAll(async () => {
  hole = await startBlackhole()
})
afterAll(() => hole.close())
leavingNothing()

const FACES = SUBJECTS.flatMap(({ faces }) => faces)

/** A face that waits for no word is content with a port that accepts. */
const SPEAKING = FACES.filter(({ waits }) => waits)

describe.each(FACES)('$label', face => {
  test('a port that nothing listens on refuses', async () => {
    const verdict = await refusal(face.address(await peers.refused()))
    expect(verdict).toMatchObject({
      layer: 'tcp',
      heard: false,
      finding: { reason: 'connection-refused', code: 'ECONNREFUSED' },
    })
    expect(mayDescend(verdict, false)).toBe(true)
  })

  test('a black hole is a time-out of the TCP layer', async () => {
    const verdict = await refusal(face.address(hole), { timeoutMs: 100 })
    expect(verdict).toMatchObject({ layer: 'tcp', heard: false, finding: { reason: 'connect-timeout' } })
    expect(verdict.steps.at(-1)).toMatchObject({ layer: 'tcp', state: 'running', address: hole.host })
    expect(mayDescend(verdict, false)).toBe(true)
  })
})

describe.each(SPEAKING)('$label', face => {
  const onAccept: [string, Script][] = [
    ['closes as soon as it has accepted', peers.eofOnAccept],
    ['resets as soon as it has accepted', peers.resetOnAccept],
  ]
  const afterBytes: [string, Script][] = [
    ['closes after the first bytes', peers.eofAfterFirstBytes],
    ['resets after the first bytes', peers.resetAfterFirstBytes],
  ]
  test.each(face.listens ? onAccept : [...onAccept, ...afterBytes])(
    'a peer that %s is a lost connection without a word',
    async (_, script) => {
      const peer = await startedPeer(script)
      const verdict = await refusal(face.address(peer))
      expect(verdict).toMatchObject({ heard: false, finding: { reason: 'connection-lost' } })
      expect(mayDescend(verdict, false)).toBe(true)
    },
  )

  test('a listener that stays silent is a time-out of the layer that waits for a word', async () => {
    const peer = await startedPeer(peers.silent)
    const verdict = await refusal(face.address(peer), { timeoutMs: 100 })
    expect(verdict).toMatchObject({
      layer: face.waits,
      heard: false,
      finding: { reason: 'connect-timeout', code: 'ETIMEDOUT' },
    })
    expect(verdict.steps.at(-1)).toMatchObject({ layer: face.waits, state: 'running' })
    expect(mayDescend(verdict, false)).toBe(true)
  })
})

test('a listener that stays silent, asked what it is, stays what it was', async () => {
  const peer = await startedPeer(peers.silent)
  const verdicts = await Promise.all(
    SPEAKING.map(async face => {
      const { layer, heard, finding } = await refusal(face.address(peer), { timeoutMs: 1100 })
      return { label: face.label, layer, heard, reason: finding.reason }
    }),
  )
  expect(verdicts).toEqual(
    SPEAKING.map(({ label, waits }) => ({ label, layer: waits, heard: false, reason: 'connect-timeout' })),
  )
  expect(peer.connections).toBeGreaterThan(SPEAKING.length)
})
