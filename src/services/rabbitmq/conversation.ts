import { type Link, ProbeError } from '../../core/service.js'
import { AmqpSyntaxError, FRAME, type Frame, PROTOCOL_HEADER, readFrame } from '../../wire/amqp.js'
import {
  type Close,
  closeOk,
  heartbeat,
  METHOD,
  type Method,
  methodOf,
  readClose,
  readStart,
  type Start,
} from '../../wire/amqpmethods.js'
import { mismatch, mismatchWith } from '../mismatch.js'
import { meaning } from './classify.js'

/** Heartbeats are answered no faster: a peer that pours them would make us buffer as many. */
const ANSWER_EVERY_MS = 500

/** The frames of one connection. */
export class Conversation {
  #answered = Number.NEGATIVE_INFINITY

  constructor(readonly link: Link) {}

  /** Says which protocol it wants, and reads connection.start. */
  async greet(): Promise<Start> {
    this.link.write(PROTOCOL_HEADER)
    const first = await this.link.peek()
    if (new TextDecoder('latin1').decode(first.subarray(0, 4)) === 'AMQP')
      throw otherVersion(await this.link.read(8))
    if (first[0] !== FRAME.method) throw mismatch('AMQP', first)
    try {
      return readStart((await this.expect(METHOD.start)).args)
    } catch (error) {
      throw error instanceof AmqpSyntaxError ? mismatch('AMQP', first) : error
    }
  }

  /** The next frame that is no heartbeat; those are answered. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = await readFrame(this.link)
      if (frame.type !== FRAME.heartbeat) return frame
      const now = performance.now()
      if (now - this.#answered < ANSWER_EVERY_MS) continue
      this.#answered = now
      this.link.write(heartbeat())
    }
  }

  /** The next method of the connection itself. Throws what a connection.close says. */
  async expect(...ids: readonly number[]): Promise<Method> {
    const method = methodOf(await this.next())
    if (method.id === METHOD.close) throw this.closed(readClose(method.args), true)
    if (!ids.includes(method.id)) throw unexpected(method.id)
    return method
  }

  /** Agrees to a connection.close, and says what it means. */
  closed(close: Close, login: boolean): ProbeError {
    this.link.write(closeOk())
    return refused(close, login)
  }
}

/** What a close of a connection or a channel means. */
export const refused = ({ code, text }: Close, login: boolean): ProbeError =>
  new ProbeError({ code: String(code), message: text, ...meaning(code, text, login) })

const named = (id: number): string =>
  Object.entries(METHOD).find(([, known]) => known === id)?.[0] ?? `${Math.floor(id / 1000)}.${id % 1000}`

export const unexpected = (id: number): AmqpSyntaxError =>
  new AmqpSyntaxError(`the method ${named(id)} at the wrong time`)

/** What breaks the rules of the protocol is told so. */
export const told = (error: unknown): unknown =>
  error instanceof AmqpSyntaxError ? mismatchWith('AMQP', 'AMQP', error.message) : error

/** A server that wants another version says which, and closes. */
function otherVersion(header: Uint8Array): ProbeError {
  const [id, major, minor, revision] = header.subarray(4)
  if (major === 0 && minor === 9)
    return mismatchWith('AMQP', 'AMQP', `it refused the header of version 0-9-1 and asks for 0-9-${revision}`)
  // Its transport, TLS and SASL layers have an identifier each; the versions before 0-9-1 had another order.
  const version =
    major === 1 && id !== 1 ? `1.${minor}` : `of the version bytes ${[...header.subarray(4)].join(' ')}`
  return new ProbeError({
    reason: 'protocol-mismatch',
    message: `expected AMQP 0-9-1, but the server speaks AMQP ${version}`,
    advice: 'Connect to a broker that speaks AMQP 0-9-1, like RabbitMQ; for any other use tcp:// or tls://.',
  })
}
