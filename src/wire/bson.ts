/** BSON 1.1, as much as a probe needs. Source: bsonspec.org. */

/** An ObjectId, as 24 hexadecimal digits. */
export class ObjectId {
  constructor(readonly hex: string) {}
  /** When it was made: its first four bytes, in milliseconds since 1970. */
  get madeAt(): number {
    return Number.parseInt(this.hex.slice(0, 8), 16) * 1000
  }
}

/** What is read. Types that nobody asks for (dates excepted: milliseconds since 1970) are `undefined`. */
export type Value = string | number | boolean | null | undefined | Uint8Array | ObjectId | Document | Value[]

/** A document's fields in their order. */
export interface Document {
  readonly [name: string]: Value
}

/** Bytes that are no document. */
export class BsonError extends Error {
  override readonly name = 'BsonError'
}

/** A document of more values than are read. */
export class BsonLimitError extends BsonError {}

/** Values of a document and of all within it: each one costs time, however few its bytes. */
export const MAX_VALUES = 20_000

/** As deep as MongoDB nests documents. */
const MAX_DEPTH = 100
const INT32 = 2 ** 31

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Whole numbers become int32 or int64, others doubles. `undefined` is left out. */
export function encode(document: Document | readonly Value[]): Uint8Array {
  const out: number[] = []
  writeDocument(document, out, 0)
  return Uint8Array.from(out)
}

function writeDocument(document: Document | readonly Value[], out: number[], depth: number): void {
  if (depth > MAX_DEPTH) throw new BsonError('a document nested too deep')
  const start = out.length
  push32(out, 0)
  for (const [name, value] of Object.entries(document))
    if (value !== undefined) write(name, value, out, depth)
  out.push(0)
  const size: number[] = []
  push32(size, out.length - start)
  for (const [i, byte] of size.entries()) out[start + i] = byte
}

function write(name: string, value: Exclude<Value, undefined>, out: number[], depth: number): void {
  if (name.includes('\0')) throw new BsonError('a name with a zero byte')
  const field = (type: number, ...bytes: number[]) => {
    out.push(type)
    append(out, encoder.encode(name))
    out.push(0, ...bytes)
  }
  if (value === null) field(10)
  else if (typeof value === 'boolean') field(8, value ? 1 : 0)
  else if (typeof value === 'number') field(...numberOf(value))
  else if (typeof value === 'string') {
    const bytes = encoder.encode(value)
    field(2)
    push32(out, bytes.length + 1)
    append(out, bytes)
    out.push(0)
  } else if (value instanceof Uint8Array) {
    field(5)
    push32(out, value.length)
    out.push(0)
    append(out, value)
  } else if (value instanceof ObjectId) {
    field(7, ...(value.hex.match(/../g) ?? []).map(byte => Number.parseInt(byte, 16)))
  } else {
    field(Array.isArray(value) ? 4 : 3)
    writeDocument(value, out, depth + 1)
  }
}

/** One by one: arguments of one call lie on the stack. */
function append(out: number[], bytes: Uint8Array): void {
  for (const byte of bytes) out.push(byte)
}

/** Type and bytes. */
function numberOf(value: number): [type: number, ...bytes: number[]] {
  const view = new DataView(new ArrayBuffer(8))
  const whole = Number.isSafeInteger(value)
  if (whole && value >= -INT32 && value < INT32) {
    view.setInt32(0, value, true)
    return [16, ...new Uint8Array(view.buffer, 0, 4)]
  }
  if (whole) view.setBigInt64(0, BigInt(value), true)
  else view.setFloat64(0, value, true)
  return [whole ? 18 : 1, ...new Uint8Array(view.buffer)]
}

function push32(out: number[], value: number): void {
  out.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >> 24) & 255)
}

/**
 * Reads the one document that the bytes are.
 * @throws BsonLimitError beyond MAX_VALUES values, BsonError for what is no document.
 */
export function decode(bytes: Uint8Array): Document {
  const reader = new Reader(bytes)
  const document = reader.document(false, 0)
  if (reader.left > 0) throw new BsonError(`${reader.left} bytes after the document`)
  return document as Document
}

class Reader {
  #at = 0
  #values = 0
  readonly #view: DataView

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get left(): number {
    return this.bytes.length - this.#at
  }

  #need(n: number): number {
    if (n < 0 || n > this.left) throw new BsonError(`a value of ${n} bytes, ${this.left} left`)
    const at = this.#at
    this.#at += n
    return at
  }

  #int32(): number {
    return this.#view.getInt32(this.#need(4), true)
  }

  #cstring(): string {
    const end = this.bytes.indexOf(0, this.#at)
    if (end < 0) throw new BsonError('a name without its end')
    const text = decoder.decode(this.bytes.subarray(this.#at, end))
    this.#at = end + 1
    return text
  }

  #string(): string {
    const size = this.#int32()
    const at = this.#need(size)
    if (size < 1 || this.bytes[at + size - 1] !== 0) throw new BsonError('a string without its end')
    return decoder.decode(this.bytes.subarray(at, at + size - 1))
  }

  document(list: boolean, depth: number): Document | Value[] {
    if (depth > MAX_DEPTH) throw new BsonError('a document nested too deep')
    const start = this.#at
    const size = this.#int32()
    const end = start + size
    if (size < 5 || size - 4 > this.left) throw new BsonError(`a document of ${size} bytes`)
    // Without a prototype: a name is only a name.
    const fields: Record<string, Value> = Object.create(null)
    const values: Value[] = []
    for (;;) {
      const type = this.#view.getUint8(this.#need(1))
      if (type === 0) break
      if (++this.#values > MAX_VALUES)
        throw new BsonLimitError(`a document of more than ${MAX_VALUES} values`)
      const name = this.#cstring()
      const value = this.#value(type, depth)
      if (list) values.push(value)
      else fields[name] = value
      if (this.#at >= end) throw new BsonError('a document without its end')
    }
    if (this.#at !== end) throw new BsonError('a document that ends too early')
    return list ? values : fields
  }

  #value(type: number, depth: number): Value {
    switch (type) {
      case 1:
        return this.#view.getFloat64(this.#need(8), true)
      case 2:
      case 13:
      case 14:
        return this.#string()
      case 3:
        return this.document(false, depth + 1)
      case 4:
        return this.document(true, depth + 1)
      case 5: {
        const size = this.#int32()
        const at = this.#need(size < 0 ? -1 : size + 1) + 1
        return new Uint8Array(this.bytes.subarray(at, at + size))
      }
      case 7: {
        const at = this.#need(12)
        const digits = [...this.bytes.subarray(at, at + 12)].map(byte => byte.toString(16).padStart(2, '0'))
        return new ObjectId(digits.join(''))
      }
      case 8: {
        const byte = this.#view.getUint8(this.#need(1))
        if (byte > 1) throw new BsonError('a truth value that is neither')
        return byte === 1
      }
      case 9:
      case 18:
        return Number(this.#view.getBigInt64(this.#need(8), true))
      case 10:
        return null
      case 16:
        return this.#int32()
      default:
        return this.#skip(type)
    }
  }

  /** Undefined, regular expression, pointer, code with scope, time stamp, decimal, least and greatest key. */
  #skip(type: number): undefined {
    if (type === 6 || type === 127 || type === 255) return
    if (type === 11) this.#cstring()
    if (type === 11) this.#cstring()
    else if (type === 12) {
      this.#string()
      this.#need(12)
    } else if (type === 15) this.#need(this.#int32() - 4)
    else if (type === 17) this.#need(8)
    else if (type === 19) this.#need(16)
    else throw new BsonError(`a value of type ${type}`)
  }
}
