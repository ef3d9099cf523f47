import { type Link, ProbeError } from '../../core/service.js'
import { Fields, MAX_MESSAGE, type ServerMessage, serverMessage } from '../../wire/postgres.js'
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
        this.pid = new Fields(message.body).int32()
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

const PGBOUNCER_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^(SSL|TLS) required/, 'PgBouncer wants TLS from its clients: use sslmode=require.'],
  [
    /no such database/,
    'Add the database to [databases] in pgbouncer.ini, or correct its name in the address.',
  ],
  [
    /unsupported startup parameter/,
    'Leave the parameter out of the address, or add it to ignore_startup_parameters in pgbouncer.ini.',
  ],
  [
    /server login has been failing/,
    'PgBouncer answers, but cannot log in to the server behind it: see its log, and whether that server runs.',
  ],
  [
    /query_wait_timeout/,
    'No server connection came free: look for long transactions, a small default_pool_size, or a server behind PgBouncer that is down.',
  ],
]

/** The verdict of an ErrorResponse. */
export function failure(body: Uint8Array): ProbeError {
  const error = serverMessage(body)
  const finding = classifyPostgres(error) ?? {
    reason: 'protocol-mismatch' as const,
    message: error.message || 'an error without a code',
  }
  const advice = adviceFor(error)
  const product = fromPgBouncer(error) ? { product: 'PgBouncer', via: 'pgbouncer' } : undefined
  return new ProbeError({ ...finding, ...(advice ? { advice } : {}) }, product)
}

function adviceFor({ code, message, routine }: ServerMessage): string | undefined {
  if (code === '08P01' && !routine) return PGBOUNCER_ADVICE.find(([pattern]) => pattern.test(message))?.[1]
  if (code === '28000' && /no encryption|SSL off/.test(message)) {
    return 'pg_hba.conf admits this user from here only with TLS, or not at all: try sslmode=require, or add a "host" line and reload.'
  }
  if (code === '28000' && /client certificate/.test(message)) {
    return 'The server wants to see a certificate of the client: give sslcert=FILE and sslkey=FILE.'
  }
  if (code === '28000' && /certificate authentication failed/.test(message)) {
    return 'The common name of the certificate in sslcert has to be the role, or be mapped to it in pg_ident.conf.'
  }
  if (code === '28000' && /no pg_hba.conf entry/.test(message)) {
    return 'Add a line for this address, user and database to pg_hba.conf and reload (SELECT pg_reload_conf()).'
  }
  return undefined
}
