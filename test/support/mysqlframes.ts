/** Packets of the MySQL protocol, as a server builds and reads them. */
import type { PeerConnection } from './peer.js'

export const CAPABILITY = {
  LONG_PASSWORD: 1,
  CONNECT_WITH_DB: 1 << 3,
  PROTOCOL_41: 1 << 9,
  SSL: 1 << 11,
  SECURE_CONNECTION: 1 << 15,
  PLUGIN_AUTH: 1 << 19,
  CONNECT_ATTRS: 1 << 20,
  PLUGIN_AUTH_LENENC: 1 << 21,
  DEPRECATE_EOF: 1 << 24,
}

/** What a server of today can, but for TLS. */
export const MODERN = Object.entries(CAPABILITY)
  .filter(([name]) => name !== 'SSL')
  .reduce((all, [, bit]) => all | bit, 0)

const zeroEnded = (text: string) => Buffer.from(`${text}\0`)

const lenenc = (bytes: Uint8Array): Buffer => {
  if (bytes.length < 251) return Buffer.concat([Buffer.of(bytes.length), bytes])
  const size = Buffer.alloc(3, 0xfc)
  size.writeUInt16LE(bytes.length, 1)
  return Buffer.concat([size, bytes])
}

export function packet(sequence: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const head = Buffer.alloc(4)
  head.writeUIntLE(body.length, 0, 3)
  head[3] = sequence
  return Buffer.concat([head, body])
}

export interface GreetingFields {
  version?: string
  thread?: number
  capabilities?: number
  /** 20 bytes. */
  nonce: Uint8Array
  plugin?: string
}

export function greeting(it: GreetingFields): Buffer {
  const capabilities = it.capabilities ?? MODERN
  const numbers = Buffer.alloc(7)
  numbers.writeUInt16LE(capabilities & 0xffff, 0)
  numbers[2] = 45
  numbers.writeUInt16LE(2, 3)
  numbers.writeUInt16LE(capabilities >>> 16, 5)
  const thread = Buffer.alloc(4)
  thread.writeUInt32LE(it.thread ?? 7)
  return packet(
    0,
    Buffer.of(10),
    zeroEnded(it.version ?? '8.0.36'),
    thread,
    it.nonce.subarray(0, 8),
    Buffer.of(0),
    numbers,
    Buffer.of(21),
    Buffer.alloc(10),
    it.nonce.subarray(8, 20),
    Buffer.of(0),
    zeroEnded(it.plugin ?? 'mysql_native_password'),
  )
}

export interface ErrorFields {
  errno: number
  /** Not before the handshake. */
  state?: string
  message: string
}

export function error(sequence: number, { errno, state, message }: ErrorFields): Buffer {
  const number = Buffer.alloc(2)
  number.writeUInt16LE(errno)
  return packet(sequence, Buffer.of(0xff), number, Buffer.from(`${state ? `#${state}` : ''}${message}`))
}

/** Affected rows, insert id, status, warnings. */
export const ok = (sequence: number, status = 2) => packet(sequence, Buffer.of(0, 0, 0, status, 0, 0, 0))

export const authSwitch = (sequence: number, plugin: string, data: Uint8Array) =>
  packet(sequence, Buffer.of(0xfe), zeroEnded(plugin), data)

export const authMore = (sequence: number, ...data: Uint8Array[]) => packet(sequence, Buffer.of(1), ...data)

/** A result of the text protocol; `status` is that of its end. */
export function result(
  rows: readonly (readonly (string | null)[])[],
  { deprecateEof = true, status = 2, sequence = 1 } = {},
): Buffer {
  let next = sequence
  const columns = rows[0]?.length ?? 1
  const text = (value: string) => lenenc(Buffer.from(value))
  const definition = Buffer.concat([
    ...['def', '', '', '', 'value', ''].map(text),
    Buffer.of(12, 45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0),
  ])
  const classicEnd = () => packet(next++, Buffer.of(0xfe, 0, 0, status, 0))
  return Buffer.concat([
    packet(next++, Buffer.of(columns)),
    ...Array.from({ length: columns }, () => packet(next++, definition)),
    ...(deprecateEof ? [] : [classicEnd()]),
    ...rows.map(row => packet(next++, ...row.map(value => (value === null ? Buffer.of(0xfb) : text(value))))),
    deprecateEof ? packet(next++, Buffer.of(0xfe, 0, 0, status, 0, 0, 0)) : classicEnd(),
  ])
}

export interface Packet {
  sequence: number
  body: Buffer
}

export async function readPacket(connection: PeerConnection): Promise<Packet> {
  const head = await connection.read(4)
  return { sequence: head[3] ?? 0, body: await connection.read(head.readUIntLE(0, 3)) }
}

export interface Login {
  capabilities: number
  user: string
  proof: Buffer
  database: string | undefined
  plugin: string
}

/** True for a request for TLS, which has no user. */
export const isSslRequest = ({ body }: Packet): boolean => body.length === 32

export function parseLogin({ body }: Packet): Login {
  const capabilities = body.readUInt32LE(0)
  let at = 32
  const text = () => {
    const end = body.indexOf(0, at)
    const found = body.toString('utf8', at, end)
    at = end + 1
    return found
  }
  const user = text()
  const size = body[at] ?? 0
  const proof = body.subarray(at + 1, at + 1 + size)
  at += 1 + size
  const database = capabilities & CAPABILITY.CONNECT_WITH_DB ? text() : undefined
  const plugin = capabilities & CAPABILITY.PLUGIN_AUTH ? text() : ''
  return { capabilities, user, proof, database, plugin }
}
