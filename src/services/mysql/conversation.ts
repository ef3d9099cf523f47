import { type Link, ProbeError } from '../../core/service.js'
import {
  type Greeting,
  greeting,
  header,
  isError,
  MAX_GREETING,
  MAX_MESSAGE,
  MAX_PAYLOAD,
  MalformedError,
  serverError,
} from '../../wire/mysql.js'
import { mismatch } from '../mismatch.js'
import { classifyMysql } from './classify.js'

/** The server's packets, in order. */
export class Conversation {
  /** Of the packet that was read last. */
  #sequence = 0
  /** Bytes of that packet that nobody wants. */
  #rest = 0

  constructor(readonly link: Link) {}

  /** What the server opens with. Throws its error, where it opens with that, or a protocol mismatch. */
  async greeting(): Promise<Greeting> {
    const head = await this.link.peek()
    const start = await this.link.read(4)
    const seen = head.length < start.length ? start : head
    const { size, sequence } = header(start)
    if (sequence !== 0 || size < 3 || size > MAX_GREETING) throw mismatch('MySQL', seen)
    const payload = await this.link.read(size)
    if (isError(payload)) throw failure(payload, false)
    try {
      return greeting(payload)
    } catch (error) {
      throw error instanceof MalformedError ? mismatch('MySQL', seen) : error
    }
  }

  /** The next payload, which may be an error: its first `limit` bytes, by default 64 kB. The rest is dropped unread. */
  async read(limit = MAX_MESSAGE): Promise<Uint8Array> {
    await this.#drop()
    const { size, sequence } = header(await this.link.read(4))
    this.#sequence = sequence
    if (size === MAX_PAYLOAD) {
      throw new ProbeError({ reason: 'query-error', message: 'the server sent a row of 16 MB or more' })
    }
    const kept = Math.min(size, limit)
    this.#rest = size - kept
    return this.link.read(kept)
  }

  /** In the pieces in which it comes: none of it is gathered. */
  async #drop(): Promise<void> {
    while (this.#rest > 0) {
      const { length } = await this.link.peek()
      const dropped = await this.link.read(Math.min(length, this.#rest))
      this.#rest -= dropped.length
    }
  }

  /** The number of the next packet of this exchange. */
  next(): number {
    this.#sequence = (this.#sequence + 1) & 0xff
    return this.#sequence
  }
}

/** The verdict of an ERR packet, on the way to a session or, `connected`, in one. */
export function failure(payload: Uint8Array, connected: boolean): ProbeError {
  const seen = serverError(payload)
  const error = { ...seen, message: seen.message || 'an error without a message' }
  return new ProbeError(
    classifyMysql(error, connected) ?? {
      reason: connected ? 'query-error' : 'protocol-mismatch',
      code: String(error.errno),
      message: error.message,
    },
  )
}

/** What to throw for a packet that does not belong here. */
export const unexpected = (payload: Uint8Array, during: string): ProbeError =>
  new ProbeError({
    reason: 'protocol-mismatch',
    message: `a packet that begins with ${payload[0] ?? 'nothing'} came unexpectedly during ${during}`,
  })
