/** MongoDB's wire protocol. Source: MongoDB's manual, "MongoDB Wire Protocol", and the specification of OP_MSG. */
import { BsonError, type Document, decode, encode } from './bson.js'

const OP_REPLY = 1
const OP_QUERY = 2004
const OP_MSG = 2013

export const HEADER_BYTES = 16

/** maxMessageSizeBytes of every server. A reply to a probe is much smaller. */
export const MAX_MESSAGE = 48_000_000

const CHECKSUM_PRESENT = 1
const MORE_TO_COME = 2

export interface Header {
  /** Of the whole message. */
  readonly length: number
  /** The request that it answers. */
  readonly to: number
  readonly opcode: number
}

/** The header of a reply to request `id`; undefined where the bytes, also fewer of them, begin none. */
export function replyHeader(bytes: Uint8Array, id: number, limit = MAX_MESSAGE): Partial<Header> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const int32 = (at: number) => (bytes.length >= at + 4 ? view.getInt32(at, true) : undefined)
  const [length, to, opcode] = [int32(0), int32(8), int32(12)]
  if (length !== undefined && (length < HEADER_BYTES + 5 || length > limit)) return undefined
  if (to !== undefined && to !== id) return undefined
  if (opcode !== undefined && opcode !== OP_REPLY && opcode !== OP_MSG) return undefined
  return { ...(length === undefined ? {} : { length }), ...(opcode === undefined ? {} : { opcode }) }
}

function message(id: number, opcode: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = HEADER_BYTES + parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(size)
  bytes.set(int32s(size, id, 0, opcode))
  let at = HEADER_BYTES
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function int32s(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length))
  for (const [i, value] of values.entries()) view.setInt32(4 * i, value, true)
  return new Uint8Array(view.buffer)
}

/** A command as OP_MSG, which servers know since 3.6. `$db` is one of its fields. */
export const opMsg = (id: number, command: Document): Uint8Array =>
  message(id, OP_MSG, int32s(0), Uint8Array.of(0), encode(command))

/** A command as OP_QUERY, which every server knows for its greeting. Flag 4: a secondary may answer, too. */
export const opQuery = (id: number, database: string, command: Document): Uint8Array =>
  message(
    id,
    OP_QUERY,
    int32s(4),
    new TextEncoder().encode(`${database}.$cmd\0`),
    int32s(0, -1),
    encode(command),
  )

/** The document of a reply, from what follows its header. */
export function replyDocument(opcode: number, body: Uint8Array): Document {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (opcode === OP_REPLY) {
    // Flags, cursor (8 bytes), start, count.
    if (body.length < 20 || view.getInt32(16, true) !== 1) throw new BsonError('a reply of not one document')
    return decode(body.subarray(20))
  }
  if (body.length < 5) throw new BsonError('a message without its flags')
  const flags = view.getUint32(0, true)
  if ((flags & 0xffff & ~CHECKSUM_PRESENT) !== 0)
    throw new BsonError(
      flags & MORE_TO_COME ? 'a message that another one follows' : 'a flag that is not known',
    )
  return section(body.subarray(4, body.length - (flags & CHECKSUM_PRESENT ? 4 : 0)))
}

/** The one document of a message; sequences beside it, which servers do not send, are passed over. */
function section(bytes: Uint8Array): Document {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let found: Document | undefined
  for (let at = 0; at < bytes.length; ) {
    const size = at + 5 <= bytes.length ? view.getInt32(at + 1, true) : 0
    if (size < 5 || at + 1 + size > bytes.length) throw new BsonError(`a section of ${size} bytes`)
    const kind = bytes[at]
    if (kind === 0 && !found) found = decode(bytes.subarray(at + 1, at + 1 + size))
    else if (kind !== 1) throw new BsonError(`a section of kind ${kind}`)
    at += 1 + size
  }
  if (!found) throw new BsonError('a message without a document')
  return found
}
