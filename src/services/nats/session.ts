import { randomUUID } from 'node:crypto'
import { type Health, type Link, LinkError, ProbeError, type Session } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import {
  beginsSession,
  connect,
  type NatsMessage,
  NatsSyntaxError,
  ping,
  pong,
  publish,
  readMessage,
  type ServerInfo,
  subscribe,
  unsubscribe,
} from '../../wire/nats.js'
import { mismatch } from '../mismatch.js'
import { findingOf, jetstreamFinding } from './classify.js'
import { type Login, loginOf } from './credentials.js'

type Delivery = Extract<NatsMessage, { op: 'MSG' }>

/** How many messages may come that were not asked for, before an answer. */
const PATIENCE = 1000

/** How many of them may be pings: a server sends the next one minutes later. */
const PINGS = 8

export class NatsSession implements Session {
  info: ServerInfo = {}
  #login: Login = {}
  #sid = 0
  /** The server knows the login. */
  #told = false

  constructor(
    readonly link: Link,
    readonly target: Target,
  ) {}

  get server(): Server {
    const { version, server_id } = this.info
    return {
      product: 'NATS',
      ...(version ? { version } : {}),
      // A server draws a new one at each start.
      ...(server_id ? { incarnation: server_id } : {}),
    }
  }

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  /** The server speaks first. */
  async greet(): Promise<void> {
    const first = await this.link.peek()
    if (!beginsSession(first)) throw mismatch('NATS', first)
    const message = await this.#read()
    if (message.op !== 'INFO') throw mismatch('NATS', first)
    this.#hear(message.info)
  }

  async login(): Promise<void> {
    this.#login = loginOf(this.target, this.info.nonce)
    const name = { name: 'holdfast', lang: 'holdfast', version: '0' }
    const said = connect({
      verbose: false,
      pedantic: false,
      protocol: 1,
      headers: true,
      no_responders: true,
      ...name,
      tls_required: this.link.secure,
      ...this.#login,
    })
    this.#told = true
    await this.#pong(said)
  }

  async ping(): Promise<void> {
    if (this.target.params.get('jetstream')?.reveal() === 'true') await this.#askJetStream()
    else await this.#pong()
  }

  async inspect(): Promise<Server> {
    return this.server
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this)
  }

  /** A message to itself, on a subject that nobody else knows. */
  async write(): Promise<void> {
    const subject = this.#inbox()
    const payload = randomUUID()
    const [answer] = await this.#exchange(subject, publish(subject, payload))
    if (answer?.payload === payload) return
    throw new ProbeError({
      reason: 'unmet',
      message: `a message to ${subject} was taken and not delivered`,
      advice: 'Look for imports, mappings or permissions of this subject; inboxPrefix=PREFIX names another.',
    })
  }

  async close(): Promise<void> {
    this.link.close()
  }

  /** Waiting for a quorum, or switched off, JetStream has no responder. */
  async #askJetStream(): Promise<void> {
    const inbox = this.#inbox()
    const answer = await this.#request(inbox, publish('$JS.API.INFO', '', inbox))
    if (answer.status) {
      throw new ProbeError({
        reason: 'server-not-ready',
        code: answer.status,
        message: 'nobody answers for JetStream',
        advice: 'Start the server with -js, or wait until its cluster has elected a leader.',
      })
    }
    const { code, description } = errorIn(answer.payload) ?? {}
    if (code !== undefined) throw new ProbeError(jetstreamFinding(code, description ?? `error ${code}`))
  }

  #inbox(): string {
    const prefix = this.target.params.get('inboxPrefix')?.reveal() ?? '_INBOX'
    if (/^[^\s.*>]+(\.[^\s.*>]+)*$/.test(prefix)) return `${prefix}.holdfast.${randomUUID()}`
    throw new ProbeError({
      reason: 'client-misuse',
      message: 'inboxPrefix is no subject: words between dots, without wildcards',
    })
  }

  /** What is delivered on the subject until the server has worked through all that was sent. */
  async #exchange(subject: string, question: Uint8Array): Promise<Delivery[]> {
    const sid = String(++this.#sid)
    const answers = await this.#pong(Buffer.concat([subscribe(subject, sid), question]), sid)
    this.link.write(unsubscribe(sid))
    return answers
  }

  /** The first message on the subject, however late. */
  async #request(subject: string, question: Uint8Array): Promise<Delivery> {
    const sid = String(++this.#sid)
    const [early] = await this.#pong(Buffer.concat([subscribe(subject, sid), question]), sid)
    const answer = early ?? (await this.#until(message => message.op === 'MSG' && message.sid === sid))
    this.link.write(unsubscribe(sid))
    return answer as Delivery
  }

  /**
   * A round trip. Resolves with what came for the subscription meanwhile. All in one write: a second one to a server
   * that has refused and gone fails before its refusal is read.
   */
  async #pong(said: Uint8Array = new Uint8Array(), sid?: string): Promise<Delivery[]> {
    this.link.write(Buffer.concat([said, ping()]))
    const answers: Delivery[] = []
    await this.#until(message => {
      if (message.op === 'MSG' && message.sid === sid) answers.push(message)
      return message.op === 'PONG'
    })
    return answers
  }

  async #until(wanted: (message: NatsMessage) => boolean): Promise<NatsMessage> {
    let pings = 0
    for (let n = 0; n < PATIENCE && pings <= PINGS; n++) {
      const message = await this.#read()
      if (wanted(message)) return message
      if (message.op === 'PING' && ++pings <= PINGS) this.link.write(pong())
      if (message.op === 'INFO') this.#hear(message.info)
    }
    throw new ProbeError({
      reason: 'protocol-mismatch',
      message: `NATS sent ${pings > PINGS ? `${pings} pings` : `${PATIENCE} messages that nobody asked for`}, and no answer`,
    })
  }

  #hear(info: ServerInfo): void {
    this.info = { ...this.info, ...info }
    if (!info.ldm) return
    throw new ProbeError(
      {
        reason: 'server-not-ready',
        code: 'LDM',
        message: 'the server is in lame duck mode: it is about to leave',
        advice: 'Connect to another server of the cluster, or wait for the one that follows.',
      },
      this.server,
    )
  }

  async #read(): Promise<NatsMessage> {
    const first = await this.link.peek()
    let message: NatsMessage
    try {
      message = await readMessage(this.link)
    } catch (error) {
      const endless = error instanceof LinkError && /no line end/.test(error.message)
      throw endless || error instanceof NatsSyntaxError
        ? mismatch('NATS', first, { told: this.#told })
        : error
    }
    if (message.op !== '-ERR') return message
    throw new ProbeError(findingOf(this.#discreet(message.text)), this.server)
  }

  /** The redactor does not know what a file of credentials holds. */
  #discreet(text: string): string {
    const { jwt, sig } = this.#login
    return [jwt, sig].reduce<string>(
      (shown, secret) => (secret ? shown.replaceAll(secret, '***') : shown),
      text,
    )
  }
}

function errorIn(payload: string): { code?: number; description?: string } | undefined {
  try {
    const { error } = JSON.parse(payload) as { error?: { err_code?: unknown; description?: unknown } }
    if (!error) return undefined
    return { code: Number(error.err_code ?? 0), description: String(error.description ?? '') }
  } catch {
    return { code: 0, description: 'JetStream did not answer in JSON' }
  }
}
