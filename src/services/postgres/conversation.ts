import { type Link, ProbeError } from '../../core/service.js'
import { Fields, MAX_MESSAGE, serverMessage } from '../../wire/postgres.js'
import { mismatch } from '../mismatch.js'
import { classifyPostgres, fromPgBouncer } from './classify.js'

export interface Message {
  readonly type: string
  readonly body: Uint8Array
}

/** More messages than this between two answers are not a conversation. */
const MAX_ASIDE = 10_000

/** The backend's messages, in order; what may come at any time is taken in on the way. */
export class Conversation {
  readonly parameters = new Map<string, string>()
  /** The process that the server says serves us; a pooler makes one up. */
  pid: number | undefined
  /** What a CancelRequest has to show. */
  key: number | undefined
  /** How the login was proved, in the words of require_auth. */
  method = 'none'
  /** What the server opened with, until its second message. */
  #opening: Uint8Array | undefined
  #messages = 0

  constructor(readonly link: Link) {}

  /** The next message that is an answer. Throws a protocol mismatch where the bytes are no message. */
  async next(): Promise<Message> {
    for (let aside = 0; aside < MAX_ASIDE; aside++) {
      const message = await this.#read()
      if (message.type === 'S') {
        const fields = new Fields(message.body)
        this.parameters.set(fields.cstring(), fields.cstring())
      } else if (message.type === 'K') {
        const fields = new Fields(message.body)
        this.pid = fields.int32()
        this.key = fields.int32()
      } else if (message.type !== 'N' && message.type !== 'A' && message.type !== 'v') {
        return message
      }
    }
    throw new ProbeError({
      reason: 'protocol-mismatch',
      message: `${MAX_ASIDE} notices and parameters came without an answer among them`,
    })
  }

  async #read(): Promise<Message> {
    const head = await this.link.peek()
    if (!/^[A-Za-z0-9]$/.test(String.fromCharCode(head[0] ?? 0))) throw mismatch('PostgreSQL', head)
    const header = await this.link.read(5)
    const fields = new Fields(header)
    const type = String.fromCharCode(fields.byte())
    const size = fields.int32() - 4
    if (size < 0 || size > MAX_MESSAGE) throw mismatch('PostgreSQL', head)
    this.#opening = this.#messages++ === 0 ? head : undefined
    return { type, body: await this.link.read(size) }
  }

  /** What to throw for a message that does not belong here: an opening may be that of another protocol. */
  unexpected({ type }: Message, during: string): ProbeError {
    if (this.#opening) return mismatch('PostgreSQL', this.#opening)
    return new ProbeError({
      reason: 'protocol-mismatch',
      message: `message "${type}" came unexpectedly during ${during}`,
    })
  }
}

/** The verdict of an ErrorResponse. */
export function failure(body: Uint8Array): ProbeError {
  const error = serverMessage(body)
  const finding = classifyPostgres(error) ?? {
    reason: 'protocol-mismatch' as const,
    message: error.message || 'an error without a code',
  }
  const product = fromPgBouncer(error) ? { product: 'PgBouncer', via: 'pgbouncer' } : undefined
  return new ProbeError(finding, product)
}
