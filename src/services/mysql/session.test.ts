import { describe, expect, test } from 'vitest'
import type { Link } from '../../core/service.js'
import { CAN, concat, type Greeting, header, packet, utf8 } from '../../wire/mysql.js'
import { Conversation } from './conversation.js'
import { MysqlSession } from './session.js'

/** What a peer sends, made while it is read; `most` is the longest stretch that was asked for at once. */
class Tape implements Partial<Link> {
  most = 0
  closed = new Promise<void>(() => {})
  #here: Uint8Array = new Uint8Array()
  readonly #parts: Iterator<Uint8Array>

  constructor(parts: Iterable<Uint8Array>) {
    this.#parts = parts[Symbol.iterator]()
  }

  async peek(): Promise<Uint8Array> {
    if (this.#here.length === 0) this.#here = this.#parts.next().value ?? new Uint8Array()
    return this.#here
  }

  async read(n: number): Promise<Uint8Array> {
    this.most = Math.max(this.most, n)
    while (this.#here.length < n) {
      const { value, done } = this.#parts.next()
      if (done) throw new Error(`${n} bytes are asked for, ${this.#here.length} left`)
      this.#here = concat(this.#here, value)
    }
    const taken = this.#here.subarray(0, n)
    this.#here = this.#here.subarray(n)
    return taken
  }

  write(): void {}
  close(): void {}
}

const PIECE = 1 << 16

/** A packet in the pieces in which a socket gives it. */
function* pieces(sequence: number, payload: Uint8Array): Generator<Uint8Array> {
  const bytes = packet(sequence, payload)
  for (let at = 0; at < bytes.length; at += PIECE) yield bytes.subarray(at, at + PIECE)
}

/** One value of so many bytes. */
function row(size: number, letter: string): Uint8Array {
  const length = Uint8Array.of(0xfd, size & 255, (size >> 8) & 255, size >> 16)
  return concat(length, new Uint8Array(size).fill(letter.charCodeAt(0)))
}

const END = packet(9, Uint8Array.of(0xfe, 0, 0, 2, 0, 0, 0))
const BIG = 15_000_000

const sessionOver = (tape: Tape, cancel?: () => Promise<void>): MysqlSession =>
  new MysqlSession(
    new Conversation(tape as unknown as Link),
    { version: '8.0.36' } as Greeting,
    CAN.DEPRECATE_EOF,
    cancel,
  )

describe('of a result', () => {
  test('the first row is kept, and of that a megabyte', async () => {
    const tape = new Tape(
      (function* () {
        for (let question = 0; question < 2; question++) {
          yield packet(1, Uint8Array.of(1))
          yield* pieces(2, new Uint8Array(BIG))
          for (const letter of 'yxx') yield* pieces(3, row(BIG, letter))
          yield END
        }
      })(),
    )
    const session = sessionOver(tape)
    for (let question = 0; question < 2; question++) {
      const rows = await session.query('select document from documents')
      expect(rows).toHaveLength(1)
      expect(rows[0]?.[0]).toBe('y'.repeat((1 << 20) - 4))
    }
    expect(tape.most).toBe(1 << 20)
  })

  test('an error that is as long as a packet is known by its beginning', async () => {
    const long = concat(Uint8Array.of(0xff, 0x7a, 4), utf8(`#42S02Table${' '.repeat(BIG)}`))
    // Only the beginning ever comes.
    const tape = new Tape([concat(packet(1, long).subarray(0, 4 + PIECE))])
    expect(header(packet(1, long)).size).toBeGreaterThan(BIG)
    await expect(sessionOver(tape).query('select 1 from nowhere')).rejects.toMatchObject({
      finding: { reason: 'schema-missing', code: '1146' },
    })
  })
})

describe('close', () => {
  test('is over when the question that still runs has been ended', async () => {
    let ended = () => {}
    let over = false
    const silent = new Tape([])
    silent.read = () => new Promise(() => {})
    const session = sessionOver(
      silent,
      () =>
        new Promise(resolve => {
          ended = resolve
        }),
    )
    void session.query('select slow()')
    const closing = session.close().then(() => {
      over = true
    })
    await new Promise(setImmediate)
    expect(over).toBe(false)
    ended()
    await closing
  })

  test('ends no question where none runs', async () => {
    const tape = new Tape([packet(1, Uint8Array.of(0, 0, 0, 2, 0, 0, 0))])
    const session = sessionOver(tape, () => Promise.reject(new Error('nothing runs')))
    await session.query('do 1')
    await session.close()
  })
})
