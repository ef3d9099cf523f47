import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificates } from '../support/certs.js'
import type { Script } from '../support/peer.js'
import * as peers from '../support/peers.js'
import { leavingNothing, refusal, startedPeer } from './probing.js'
import { isExempt, type Place, type Real } from './subject.js'
import { SUBJECTS } from './subjects.js'

const SPEAKERS = SUBJECTS.filter(({ spoken }) => !isExempt(spoken))

const real = new Map<string, Real>()
beforeAll(async () => {
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
  ['AMQP', peers.answers(peers.GREETINGS.amqp)],
  ['something else', peers.greets(NOISE)],
]

for (const subject of SUBJECTS) {
  const others = SPEAKERS.filter(({ name }) => name !== subject.name)
  // A face without a word of its own takes whoever accepts.
  const faces = subject.faces.filter(({ waits }) => waits)

  test.each(faces)('$label: what speaks another protocol is told apart, and named', async face => {
    const places: [string, Place][] = others.map(({ name, spoken }) => [String(spoken), placeOf(name)])
    for (const [name, script] of GREETINGS) places.push([name, await startedPeer(script)])
    const told = places.map(async ([name, place]) => {
      const { finding, heard } = await refusal(face.address(place))
      // A TLS handshake that meets plain text need not know whose it is.
      const named = finding.message.includes(name) || (face.tls && finding.reason === 'tls-failure')
      const reason = finding.reason === 'tls-failure' && face.tls ? 'protocol-mismatch' : finding.reason
      return { name, reason, named, heard, advice: finding.advice !== undefined }
    })
    expect(await Promise.all(told)).toEqual(
      places.map(([name]) => ({ name, reason: 'protocol-mismatch', named: true, heard: true, advice: true })),
    )
  })

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
