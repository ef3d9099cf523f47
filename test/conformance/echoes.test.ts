import { expect, test } from 'vitest'
import { natsInfo } from '../support/natspeers.js'
import type { Script } from '../support/peer.js'
import { GREETINGS } from '../support/peers.js'
import { leavingNothing, probe, SECRET, startedPeer } from './probing.js'
import { SUBJECTS } from './subjects.js'

leavingNothing()

/** What the services wait for before they log in. */
const GREETING: Readonly<Record<string, Uint8Array | string>> = {
  mysql: GREETINGS.mysql,
  nats: natsInfo(),
}

/** Sends back whatever comes, as `say` has it. */
const echoes =
  (say: (told: Buffer) => Uint8Array | string, greeting: Uint8Array | string = ''): Script =>
  async connection => {
    if (greeting.length > 0) await connection.send(greeting)
    for (;;) await connection.send(say(await connection.readSome()))
  }

const lineOf = (told: Buffer): string => `unknown command: ${told.toString().replace(/[^\x20-\x7e]+/g, ' ')}`

const PEERS: readonly (readonly [string, (told: Buffer) => Uint8Array | string])[] = [
  ['as it is', told => told],
  ['in a line of text', told => `${lineOf(told)}\r\n`],
  ['in a text without an end', lineOf],
  ['its last words in a line of text', told => `what is ${told.toString().trim().slice(-30)} for?\r\n`],
  ['a part of it in a short line', told => `no: ${told.toString().trim().slice(-9)}\r\n`],
  ['its end after many words', told => `${'x'.repeat(40)}${told.toString().trim().slice(-12)}\r\n`],
  ['behind a byte that no text has', told => Buffer.concat([Buffer.of(1), told.subarray(-30)])],
]

const PART = 6

/** Every part of the secret, as text and in hexadecimal. */
const parts = Array.from({ length: SECRET.length - PART + 1 }, (_, i) => SECRET.slice(i, i + PART)).flatMap(
  part => [
    part,
    Buffer.from(part).toString('hex'),
    [...Buffer.from(part)].map(byte => byte.toString(16)).join(' '),
  ],
)

for (const { name, faces } of SUBJECTS) {
  test.each(PEERS)(
    `${name}: who repeats what it was told, %s, gets no part of it into the verdict`,
    async (_, say) => {
      const peer = await startedPeer(echoes(say, GREETING[name]))
      const verdicts = await Promise.all(faces.map(face => probe(face.address(peer), { timeoutMs: 700 })))
      for (const { verdict } of verdicts) {
        const text = JSON.stringify(verdict)
        for (const part of parts) expect(text).not.toContain(part)
      }
    },
  )
}
