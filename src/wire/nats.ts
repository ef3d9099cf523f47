/** The client protocol of NATS. Source: docs.nats.io, "Client Protocol"; ADR-4 for headers. */

/** What a parser reads from: a link, or bytes in a test. */
export interface NatsSource {
  read(n: number): Promise<Uint8Array>
  readLine(limit: number): Promise<string>
}

/** What INFO tells, as far as a client needs it. */
export interface ServerInfo {
  readonly server_id?: string
  readonly version?: string
  readonly auth_required?: boolean
  readonly tls_required?: boolean
  readonly tls_available?: boolean
  /** To be signed by who has an nkey. */
  readonly nonce?: string
  /** Lame duck mode: the server is about to leave. */
  readonly ldm?: boolean
}

export type NatsMessage =
  | { readonly op: 'INFO'; readonly info: ServerInfo }
  | { readonly op: 'MSG'; readonly sid: string; readonly status?: string; readonly payload: string }
  | { readonly op: '-ERR'; readonly text: string }
  | { readonly op: 'PING' | 'PONG' | '+OK' }

/** Bytes that are no message of a server. */
export class NatsSyntaxError extends Error {
  override readonly name = 'NatsSyntaxError'
}

/** INFO lists the servers of a cluster. */
const MAX_INFO = 65_536
/** Of any other line: as long as the server takes them, its max_control_line. */
const MAX_LINE = 4096
const MAX_PAYLOAD = 1 << 20

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

export const connect = (options: Readonly<Record<string, unknown>>): Uint8Array =>
  encode(`CONNECT ${JSON.stringify(options)}\r\n`)
export const ping = (): Uint8Array => encode('PING\r\n')
export const pong = (): Uint8Array => encode('PONG\r\n')
export const subscribe = (subject: string, sid: string): Uint8Array => encode(`SUB ${subject} ${sid}\r\n`)
export const unsubscribe = (sid: string): Uint8Array => encode(`UNSUB ${sid}\r\n`)
export const publish = (subject: string, payload: string, reply?: string): Uint8Array =>
  encode(`PUB ${subject} ${reply ? `${reply} ` : ''}${encode(payload).length}\r\n${payload}\r\n`)

const OPENINGS = ['INFO {', "-ERR '"]

/** True for what the first message of a server begins with, even where more is on the way. */
export function beginsSession(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 6))
  return OPENINGS.some(opening => opening.startsWith(text))
}

/** Reads one message. Operations are case-insensitive. */
export async function readMessage(source: NatsSource): Promise<NatsMessage> {
  const line = await source.readLine(MAX_INFO)
  const blank = line.search(/[ \t]/)
  const op = (blank < 0 ? line : line.slice(0, blank)).toUpperCase()
  if (op !== 'INFO' && line.length > MAX_LINE) throw new NatsSyntaxError('a line that is too long')
  const rest = blank < 0 ? '' : line.slice(blank).trim()
  switch (op) {
    case 'INFO':
      return { op, info: infoIn(rest) }
    case 'MSG':
    case 'HMSG':
      return message(source, op, rest.split(/[ \t]+/))
    case '-ERR':
      return { op, text: rest.replace(/^'(.*)'$/, '$1') }
    case 'PING':
    case 'PONG':
    case '+OK':
      return { op }
    default:
      throw new NatsSyntaxError('not a message of a server')
  }
}

function infoIn(text: string): ServerInfo {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new NatsSyntaxError('INFO without JSON')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new NatsSyntaxError('INFO without an object')
  const given = value as Record<string, unknown>
  const words = (['server_id', 'version', 'nonce'] as const).filter(key => typeof given[key] === 'string')
  const flags = (['auth_required', 'tls_required', 'tls_available', 'ldm'] as const).filter(
    key => given[key] === true,
  )
  return Object.fromEntries([...words, ...flags].map(key => [key, given[key]]))
}

/** `MSG subject sid [reply] size`, `HMSG subject sid [reply] headers size`. */
async function message(
  source: NatsSource,
  op: 'MSG' | 'HMSG',
  fields: readonly string[],
): Promise<NatsMessage> {
  const least = op === 'MSG' ? 3 : 4
  if (fields.length < least || fields.length > least + 1)
    throw new NatsSyntaxError(`${op} without its fields`)
  const size = length(fields.at(-1))
  const head = op === 'MSG' ? 0 : length(fields.at(-2))
  if (head > size) throw new NatsSyntaxError('headers longer than their message')
  const bytes = await source.read(size + 2)
  if (bytes[size] !== 13 || bytes[size + 1] !== 10) throw new NatsSyntaxError('a message without its end')
  const decode = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to))
  const status = /^NATS\/1\.0 (\d{3})/.exec(decode(0, head))?.[1]
  return { op: 'MSG', sid: fields[1] ?? '', ...(status ? { status } : {}), payload: decode(head, size) }
}

function length(text = ''): number {
  const n = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(n <= MAX_PAYLOAD)) throw new NatsSyntaxError(`a length of ${text.slice(0, 20)}`)
  return n
}
