/** memcached's text and binary protocols. Source: memcached's doc/protocol.txt and its wiki's BinaryProtocolRevamped. */

/** What a parser reads from: a link, or bytes in a test. */
export interface MemcachedSource {
  read(n: number): Promise<Uint8Array>
  readLine(limit: number): Promise<string>
}

/** Bytes that are no reply. */
export class MemcachedSyntaxError extends Error {
  override readonly name = 'MemcachedSyntaxError'
}

/** A line of the server beyond what it is asked for: 2 kB at most. */
export const MAX_LINE = 2048
const MAX_VALUE = 1 << 20
const MAX_STATS = 2000

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * `version`, padded to what a server that only knows the binary protocol takes for a whole header: it closes at once
 * instead of waiting for more.
 */
export const askVersion = (): Uint8Array => bytes(`version${' '.repeat(24)}\r\n`)
export const askStats = (): Uint8Array => bytes('stats\r\n')
export const ask = (command: 'get' | 'delete', key: string): Uint8Array => bytes(`${command} ${key}\r\n`)

/** `add` or `set`; `seconds` until it expires, 0 for never. */
export const store = (command: 'add' | 'set', key: string, seconds: number, value: string): Uint8Array =>
  bytes(`${command} ${key} 0 ${seconds} ${bytes(value).length}\r\n${value}\r\n`)

const WORDS = [
  'VERSION ',
  'ERROR',
  'CLIENT_ERROR',
  'SERVER_ERROR',
  'STORED',
  'NOT_STORED',
  'VALUE ',
  'END',
  'DELETED',
  'NOT_FOUND',
  'STAT ',
]

/** True for what a line of a reply begins with, even where more is on the way. */
export function beginsLine(first: Uint8Array): boolean {
  const text = String.fromCharCode(...first.subarray(0, 14))
  return WORDS.some(word => word.startsWith(text) || text.startsWith(word))
}

/** The value that follows a `VALUE` line, and the END behind it. */
export async function readValue(source: MemcachedSource, line: string): Promise<string> {
  const size = /^VALUE \S+ \d+ (\d{1,7})( \d+)?$/.exec(line)?.[1]
  const n = Number(size)
  if (size === undefined || n > MAX_VALUE) throw new MemcachedSyntaxError('a VALUE without a size')
  const value = await source.read(n + 2)
  if (value[n] !== 13 || value[n + 1] !== 10) throw new MemcachedSyntaxError('a value without its end')
  if ((await source.readLine(MAX_LINE)) !== 'END') throw new MemcachedSyntaxError('a value without END')
  return new TextDecoder().decode(value.subarray(0, n))
}

/** The `STAT` lines from the given first one to END. */
export async function readStats(source: MemcachedSource, first: string): Promise<Map<string, string>> {
  const stats = new Map<string, string>()
  let line = first
  for (let n = 0; n < MAX_STATS; n++) {
    if (line === 'END') return stats
    const [word, name, ...value] = line.split(' ')
    if (word !== 'STAT' || !name) throw new MemcachedSyntaxError('not a line of stats')
    stats.set(name, value.join(' '))
    line = await source.readLine(MAX_LINE)
  }
  throw new MemcachedSyntaxError('stats without an end')
}

/** Operations of the binary protocol. */
export const OP = {
  get: 0x00,
  add: 0x02,
  delete: 0x04,
  noop: 0x0a,
  version: 0x0b,
  stat: 0x10,
  saslAuth: 0x21,
} as const

export interface BinaryReply {
  readonly op: number
  /** 0 for success. */
  readonly status: number
  readonly key: string
  readonly value: string
}

const REQUEST = 0x80
const RESPONSE = 0x81
const HEADER = 24

/** A request of the binary protocol. */
export function request(op: number, key = '', value = '', extras: Uint8Array = new Uint8Array()): Uint8Array {
  const [name, body] = [bytes(key), bytes(value)]
  const whole = new Uint8Array(HEADER + extras.length + name.length + body.length)
  const view = new DataView(whole.buffer)
  view.setUint8(0, REQUEST)
  view.setUint8(1, op)
  view.setUint16(2, name.length)
  view.setUint8(4, extras.length)
  view.setUint32(8, whole.length - HEADER)
  whole.set(extras, HEADER)
  whole.set(name, HEADER + extras.length)
  whole.set(body, HEADER + extras.length + name.length)
  return whole
}

/** Flags 0 and the seconds until it expires: what `add` has before its key. */
export function expiry(seconds: number): Uint8Array {
  const extras = new Uint8Array(8)
  new DataView(extras.buffer).setUint32(4, seconds)
  return extras
}

/** Reads one reply of the binary protocol. */
export async function readBinary(source: MemcachedSource): Promise<BinaryReply> {
  const header = Uint8Array.from(await source.read(HEADER))
  const view = new DataView(header.buffer)
  const [keyLength, extras, total] = [view.getUint16(2), view.getUint8(4), view.getUint32(8)]
  if (view.getUint8(0) !== RESPONSE) throw new MemcachedSyntaxError('not a binary reply')
  if (total > MAX_VALUE || keyLength + extras > total) throw new MemcachedSyntaxError(`a length of ${total}`)
  const body = await source.read(total)
  const decode = (from: number, to: number) => new TextDecoder().decode(body.subarray(from, to))
  return {
    op: view.getUint8(1),
    status: view.getUint16(6),
    key: decode(extras, extras + keyLength),
    value: decode(extras + keyLength, total),
  }
}
