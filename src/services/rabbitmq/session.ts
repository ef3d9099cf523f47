import { type Health, ProbeError, type Session } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import { AmqpSyntaxError, type Frame } from '../../wire/amqp.js'
import {
  channelClose,
  channelCloseOk,
  channelOpen,
  close,
  confirmSelect,
  declareOwnQueue,
  deleteQueue,
  get,
  METHOD,
  methodOf,
  publish,
  readClose,
} from '../../wire/amqpmethods.js'
import { type Conversation, refused, told, unexpected } from './conversation.js'

const CHANNEL = 1

/** More frames than any answer has; a peer that sends them unasked is not listened to any longer. */
const MAX_WAITING = 16

/** An open connection. It is read all the time: a broker that shuts down, or raises an alarm, says so unasked. */
export class RabbitmqSession implements Session {
  readonly closed: Promise<void>
  readonly #waiting: Frame[] = []
  #failure: { readonly error: unknown } | undefined
  /** Why the broker takes no messages from this connection. */
  #blocked: string | undefined
  /** From then on a broker that blocks does not read from this connection. */
  #published = false
  #wake = () => {}

  constructor(
    readonly talk: Conversation,
    readonly server: Server,
  ) {
    this.closed = this.#listen()
  }

  async #listen(): Promise<void> {
    try {
      for (;;) this.#take(await this.talk.next())
    } catch (error) {
      this.#failure = { error: told(error) }
      this.#wake()
    }
  }

  #take(frame: Frame): void {
    if (frame.channel !== 0) {
      if (this.#waiting.push(frame) > MAX_WAITING) throw new AmqpSyntaxError('frames that nobody asked for')
    } else {
      const { id, args } = methodOf(frame)
      if (id === METHOD.close) throw this.talk.closed(readClose(args), false)
      if (id !== METHOD.blocked && id !== METHOD.unblocked) throw unexpected(id)
      this.#blocked = id === METHOD.blocked ? args.shortstr() : undefined
    }
    this.#wake()
  }

  async #next(): Promise<Frame> {
    for (;;) {
      const frame = this.#waiting.shift()
      if (frame) return frame
      if (this.#failure) throw this.#failure.error
      if (this.#published && this.#blocked !== undefined) throw blocked(this.#blocked)
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Sends a question and reads its answer: one of these methods. Throws what a channel.close says. */
  async #ask(question: Uint8Array, ...answers: readonly number[]) {
    this.talk.link.write(question)
    try {
      const method = methodOf(await this.#next())
      if (method.id === METHOD.channelClose) {
        this.talk.link.write(channelCloseOk(CHANNEL))
        throw refused(readClose(method.args), false)
      }
      if (!answers.includes(method.id)) throw unexpected(method.id)
      return method
    } catch (error) {
      throw told(error)
    }
  }

  /** A channel needs a broker that serves: its process is made by the virtual host, as for every program. */
  async ping(): Promise<void> {
    await this.#ask(channelOpen(CHANNEL), METHOD.channelOpenOk)
    await this.#ask(channelClose(CHANNEL), METHOD.channelCloseOk)
  }

  /** A message through a queue of this connection alone, which goes with it at the latest. */
  async write(): Promise<void> {
    const body = new TextEncoder().encode('holdfast')
    await this.#ask(channelOpen(CHANNEL), METHOD.channelOpenOk)
    const declared = await this.#ask(declareOwnQueue(CHANNEL), METHOD.queueDeclareOk)
    const queue = declared.args.shortstr()
    await this.#ask(confirmSelect(CHANNEL), METHOD.confirmSelectOk)
    this.#published = true
    const { id } = await this.#ask(
      publish(CHANNEL, queue, body),
      METHOD.basicAck,
      METHOD.basicNack,
      METHOD.basicReturn,
    )
    if (id !== METHOD.basicAck) throw lost(id === METHOD.basicNack ? 'not taken' : 'returned')
    const got = await this.#ask(get(CHANNEL, queue), METHOD.basicGetOk, METHOD.basicGetEmpty)
    if (got.id === METHOD.basicGetEmpty) throw lost('gone')
    await this.#skip(body.length)
    await this.#ask(deleteQueue(CHANNEL, queue), METHOD.queueDeleteOk)
    await this.#ask(channelClose(CHANNEL), METHOD.channelCloseOk)
  }

  /** Reads a header, and the frames of a body of so many bytes. */
  async #skip(length: number): Promise<void> {
    await this.#next()
    for (let left = length; left > 0; ) {
      const { payload } = await this.#next()
      if (payload.length === 0) throw told(new AmqpSyntaxError('an empty frame in a body'))
      left -= payload.length
    }
  }

  /** Why the broker takes no messages from this connection, where it has said so. */
  get alarm(): string | undefined {
    return this.#blocked
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this)
  }

  async close(): Promise<void> {
    // A broker warns in its log of connections that end without a word.
    if (!this.#failure) this.talk.link.write(close(200, 'bye'))
    this.talk.link.close()
  }
}

const blocked = (why: string): ProbeError =>
  new ProbeError({
    reason: 'resource-exhausted',
    code: 'BLOCKED',
    message: `the broker takes no messages: ${why}`,
    advice:
      'An alarm is raised: free memory or disk on the broker, or raise vm_memory_high_watermark or lower disk_free_limit.',
  })

const lost = (what: string): ProbeError =>
  new ProbeError({
    reason: 'unmet',
    message: `a message to a queue of its own was ${what}`,
    advice: "Look at the broker's alarms, policies and log.",
  })
