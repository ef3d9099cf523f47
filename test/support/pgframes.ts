/** Frames of the Postgres protocol, version 3, as a server builds and reads them. */
import type { PeerConnection } from './peer.js'

const SSL_REQUEST = 80_877_103
const GSS_REQUEST = 80_877_104
const CANCEL_REQUEST = 80_877_102

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

const zeroEnded = (text: string) => Buffer.from(`${text}\0`)

/** A frame of any type, with its length filled in. */
export function frame(type: string, ...body: Uint8Array[]): Buffer {
  const content = Buffer.concat(body)
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content])
}

export const authenticationOk = () => frame('R', int32(0))
export const cleartextPassword = () => frame('R', int32(3))
export const md5Password = (salt: Uint8Array) => frame('R', int32(5), salt)
export const sasl = (...mechanisms: string[]) =>
  frame('R', int32(10), ...mechanisms.map(zeroEnded), Buffer.alloc(1))
export const saslContinue = (text: string) => frame('R', int32(11), Buffer.from(text))
export const saslFinal = (text: string) => frame('R', int32(12), Buffer.from(text))
export const parameterStatus = (name: string, value: string) => frame('S', zeroEnded(name), zeroEnded(value))
export const backendKeyData = (pid: number, secret: number) => frame('K', int32(pid), int32(secret))
export const readyForQuery = (status: 'I' | 'T' | 'E' = 'I') => frame('Z', Buffer.from(status))
export const commandComplete = (tag: string) => frame('C', zeroEnded(tag))

/** Columns of type text. */
export function rowDescription(...names: string[]): Buffer {
  const fixed = Buffer.concat([int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)])
  return frame('T', int16(names.length), ...names.flatMap(name => [zeroEnded(name), fixed]))
}

export function dataRow(...values: (string | null)[]): Buffer {
  const columns = values.map(value =>
    value === null ? int32(-1) : Buffer.concat([int32(Buffer.byteLength(value)), Buffer.from(value)]),
  )
  return frame('D', int16(values.length), ...columns)
}

export interface ErrorFields {
  /** Default FATAL. */
  severity?: string
  code: string
  message: string
  detail?: string
  hint?: string
  /** The C function in the server; PgBouncer sends none. */
  routine?: string
}

const fields = ({ severity = 'FATAL', code, message, detail, hint, routine }: ErrorFields) => {
  const all = { S: severity, V: severity, C: code, M: message, D: detail, H: hint, R: routine }
  const given = Object.entries(all).filter(([, value]) => value !== undefined)
  return Buffer.concat([...given.map(([key, value]) => zeroEnded(key + value)), Buffer.alloc(1)])
}

export const errorResponse = (error: ErrorFields) => frame('E', fields(error))
export const noticeResponse = (notice: ErrorFields) => frame('N', fields(notice))

export interface Message {
  type: string
  body: Buffer
}

/** The client's next message after the start-up. */
export async function readMessage(connection: PeerConnection): Promise<Message> {
  const head = await connection.read(5)
  return { type: head.toString('latin1', 0, 1), body: await connection.read(head.readInt32BE(1) - 4) }
}

export type Startup =
  | { kind: 'ssl' }
  | { kind: 'gss' }
  | { kind: 'cancel'; pid: number; secret: number }
  | { kind: 'startup'; parameters: Record<string, string> }

/** The client's first message, or the next one after a refused request for encryption. */
export async function readStartup(connection: PeerConnection): Promise<Startup> {
  const body = await connection.read((await connection.read(4)).readInt32BE(0) - 4)
  const code = body.readInt32BE(0)
  if (code === SSL_REQUEST) return { kind: 'ssl' }
  if (code === GSS_REQUEST) return { kind: 'gss' }
  if (code === CANCEL_REQUEST)
    return { kind: 'cancel', pid: body.readInt32BE(4), secret: body.readInt32BE(8) }
  if (code >> 16 !== 3) throw new Error(`not a Postgres start-up: ${body.toString('latin1')}`)
  const words = body.toString('utf8', 4).split('\0')
  const parameters: Record<string, string> = {}
  for (let at = 0; at + 1 < words.length && words[at]; at += 2)
    parameters[words[at] ?? ''] = words[at + 1] ?? ''
  return { kind: 'startup', parameters }
}
