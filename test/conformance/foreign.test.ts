import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Service } from '../../src/core/service.js'
import { parseTarget } from '../../src/core/target.js'
import { probeOnce } from '../../src/gate/probe.js'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import { certificates } from '../support/certs.js'
import type { Script } from '../support/peer.js'
import * as peers from '../support/peers.js'
import { leavingNothing, refusal, startedPeer } from './probing.js'
import { type Face, isExempt, type Place, type Real, type Subject } from './subject.js'
import { SUBJECTS } from './subjects.js'

const SPEAKERS = SUBJECTS.filter(({ spoken }) => !isExempt(spoken))

const real = new Map<string, Real>()
beforeAll(async () => {
  // The first question to a silent port loads modules, which is no part of its patience.
  await Promise.all([import('../../src/gate/identify.js'), import('../../src/io/tls.js')])
  await Promise.all(SPEAKERS.map(async ({ name, start }) => real.set(name, await start())))
})
afterAll(async () => {
  await Promise.all([...real.values()].map(server => server.remove()))
})
leavingNothing()

const placeOf = (name: string): Place => (real.get(name) as Real).place

/** 64 bytes that no protocol begins with, the same ones in every run. */
const NOISE = Buffer.concat([
  Buffer.of(0xc1, 0xc0),
  createHash('sha512').update('noise').digest().subarray(2),
])

/** Peers of protocols that holdfast has no service for, and what the verdict calls them. */
const GREETINGS: readonly (readonly [string, Script])[] = [
  ['MySQL', peers.greets(peers.GREETINGS.mysql)],
  ['SSH', peers.greets(peers.GREETINGS.ssh)],
  ['something else', peers.greets(NOISE)],
]

/** How many probes meet a foreign server at the same time. */
const AT_ONCE = 24

interface Told {
  readonly face: string
  readonly meets: string
  readonly reason: string
  readonly named: boolean
  readonly heard: boolean
  readonly advised: boolean
}

async function told(face: Face, meets: string, place: Place): Promise<Told> {
  const { finding, heard } = await refusal(face.address(place))
  // A TLS handshake that meets plain text need not know whose it is.
  const handshake = face.tls && finding.reason === 'tls-failure'
  return {
    face: face.label,
    meets,
    reason: handshake ? 'protocol-mismatch' : finding.reason,
    named: handshake || finding.message.includes(meets),
    heard,
    advised: finding.advice !== undefined,
  }
}

// A face without a word of its own takes whoever accepts.
const speaking = ({ faces }: Subject) => faces.filter(({ waits }) => waits)

test('what speaks another protocol is told apart, and named', async () => {
  const places: [string, Place][] = SPEAKERS.map(({ name, spoken }) => [String(spoken), placeOf(name)])
  for (const [meets, script] of GREETINGS) places.push([meets, await startedPeer(script)])
  const meetings = SUBJECTS.flatMap(subject =>
    speaking(subject).flatMap(face =>
      places.filter(([meets]) => meets !== subject.spoken).map(([meets, place]) => ({ face, meets, place })),
    ),
  )
  const answers: Told[] = []
  // All at once would be thousands of connections, which no question of identify's waits for.
  for (let i = 0; i < meetings.length; i += AT_ONCE) {
    const some = meetings.slice(i, i + AT_ONCE)
    answers.push(...(await Promise.all(some.map(({ face, meets, place }) => told(face, meets, place)))))
  }
  expect(answers).toEqual(
    meetings.map(({ face, meets }) => ({
      face: face.label,
      meets,
      reason: 'protocol-mismatch',
      named: true,
      heard: true,
      advised: true,
    })),
  )
}, 120_000)

for (const subject of SUBJECTS) {
  const faces = speaking(subject)
  const plain = faces.find(({ tls }) => !tls)
  if (!plain) continue

  test(`${plain.label}: a server that speaks TLS only is named so`, async () => {
    const { server } = await certificates()
    const peer = await startedPeer(peers.tlsOnly(server))
    const { finding } = await refusal(plain.address(peer))
    expect(finding.reason).toBe('tls-failure')
    expect(finding.advice).toMatch(/TLS/)
  })

  test.each(faces.filter(({ tls }) => tls))(
    '$label: the same service without TLS is a TLS failure',
    async face => {
      const { finding } = await refusal(face.address(placeOf(subject.name)))
      expect(finding.reason).toBe('tls-failure')
      expect(finding.advice).toMatch(/TLS/)
    },
  )
}

test('a greeting that comes before the TLS handshake has begun shows whose port it is', async () => {
  const peer = await startedPeer(peers.greets(peers.GREETINGS.mysql))
  const target = parseTarget(`tls://${peer.host}:${peer.port}`, { schemes: SCHEMES })
  const tardy: Service = {
    ...(await loadService('tcp')),
    async open(_, attempt) {
      const link = await attempt.connect()
      await link.peek()
      await attempt.step('tls', () => link.startTls())
      throw new Error('the handshake began')
    },
  }
  const { verdict } = await probeOnce(target, tardy)
  expect(verdict).toMatchObject({ layer: 'tls', finding: { reason: 'protocol-mismatch' } })
  expect(verdict).toMatchObject({ finding: { message: expect.stringContaining('MySQL') } })
})
