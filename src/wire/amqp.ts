/** AMQP 0-9-1: frames, values and tables. Source: amqp0-9-1.pdf, chapter 4; rabbitmq.com, "AMQP 0-9-1 errata". */

/** What a parser reads from: a link, or bytes in a test. */
export interface AmqpSource {
  read(n: number): Promise<Uint8Array>
}

/** Bytes that are no AMQP 0-9-1. */
export class AmqpSyntaxError extends Error {
  override readonly name = 'AmqpSyntaxError'
}

/** What a client says first, and what a server answers that wants another version. */
export const PROTOCOL_HEADER = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1)

export const FRAME = { method: 1, header: 2, body: 3, heartbeat: 8 } as const
const FRAME_END = 0xce

/** The longest payload that is believed, in bytes: RabbitMQ's frame_max. */
export const MAX_FRAME = 131_072
const MAX_DEPTH = 8
const MAX_ITEMS = 10_000

export interface Frame {
  readonly type: number
  readonly channel: number
  readonly payload: Uint8Array
}

export type Value = string | number | bigint | boolean | null | readonly Value[] | Table
export interface Table {
  readonly [name: string]: Value
}

/** Reads one frame, and no byte of one that is longer than `MAX_FRAME`. */
export async function readFrame(source: AmqpSource): Promise<Frame> {
  const head = new Reader(await source.read(7))
  const [type, channel, size] = [head.octet(), head.short(), head.long()]
  if (![1, 2, 3, 8].includes(type)) throw new AmqpSyntaxError(`a frame of type ${type}`)
  if (size > MAX_FRAME) throw new AmqpSyntaxError(`a frame of ${size} bytes`)
  const rest = await source.read(size + 1)
  if (rest[size] !== FRAME_END) throw new AmqpSyntaxError('a frame without its end')
  return { type, channel, payload: rest.subarray(0, size) }
}

export function frame(type: number, channel: number, payload: Uint8Array): Uint8Array {
  return new Writer().octet(type).short(channel).long(payload.length).raw(payload).octet(FRAME_END).bytes
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Takes values from bytes. Every method throws AmqpSyntaxError where they end too soon. */
export class Reader {
  #at = 0
  constructor(readonly all: Uint8Array) {}

  get left(): number {
    return this.all.length - this.#at
  }

  raw(n: number): Uint8Array {
    if (n > this.left) throw new AmqpSyntaxError('a value that ends too soon')
    this.#at += n
    return this.all.subarray(this.#at - n, this.#at)
  }

  octet = (): number => view(this.raw(1)).getUint8(0)
  short = (): number => view(this.raw(2)).getUint16(0)
  long = (): number => view(this.raw(4)).getUint32(0)
  longlong = (): bigint => view(this.raw(8)).getBigUint64(0)
  shortstr = (): string => text(this.raw(this.octet()))
  longstr = (): string => text(this.raw(this.long()))

  table(depth = 0): Table {
    if (depth > MAX_DEPTH) throw new AmqpSyntaxError('a table nested too deep')
    const inner = new Reader(this.raw(this.long()))
    const entries: [string, Value][] = []
    while (inner.left > 0) {
      if (entries.length >= MAX_ITEMS) throw new AmqpSyntaxError('a table that is too long')
      entries.push([inner.shortstr(), inner.value(depth + 1)])
    }
    return Object.fromEntries(entries)
  }

  /** A field value. Its types are RabbitMQ's, which differ from the specification's. */
  value(depth = 0): Value {
    const type = String.fromCharCode(this.octet())
    switch (type) {
      case 't':
        return this.octet() !== 0
      case 'b':
        return view(this.raw(1)).getInt8(0)
      case 'B':
        return this.octet()
      case 's':
        return view(this.raw(2)).getInt16(0)
      case 'u':
        return this.short()
      case 'I':
        return view(this.raw(4)).getInt32(0)
      case 'i':
        return this.long()
      case 'l':
        return view(this.raw(8)).getBigInt64(0)
      case 'T':
        return this.longlong()
      case 'f':
        return view(this.raw(4)).getFloat32(0)
      case 'd':
        return view(this.raw(8)).getFloat64(0)
      case 'D': {
        const scale = this.octet()
        return this.long() / 10 ** scale
      }
      case 'S':
      case 'x':
        return this.longstr()
      case 'A':
        return this.#array(depth)
      case 'F':
        return this.table(depth)
      case 'V':
        return null
      default:
        throw new AmqpSyntaxError(`a value of type ${JSON.stringify(type)}`)
    }
  }

  #array(depth: number): readonly Value[] {
    if (depth > MAX_DEPTH) throw new AmqpSyntaxError('an array nested too deep')
    const inner = new Reader(this.raw(this.long()))
    const items: Value[] = []
    while (inner.left > 0) {
      if (items.length >= MAX_ITEMS) throw new AmqpSyntaxError('an array that is too long')
      items.push(inner.value(depth + 1))
    }
    return items
  }
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** Puts values one after the other; every method returns the writer. */
export class Writer {
  #parts: Uint8Array[] = []

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of this.#parts) {
      all.set(part, at)
      at += part.length
    }
    return all
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes)
    return this
  }

  #number(size: number, set: (view: DataView) => void): this {
    const bytes = new Uint8Array(size)
    set(view(bytes))
    return this.raw(bytes)
  }

  octet = (n: number): this => this.#number(1, it => it.setUint8(0, n))
  short = (n: number): this => this.#number(2, it => it.setUint16(0, n))
  long = (n: number): this => this.#number(4, it => it.setUint32(0, n))
  longlong = (n: bigint): this => this.#number(8, it => it.setBigUint64(0, n))

  /** @throws RangeError beyond the 255 bytes that the length can say. */
  shortstr(value: string): this {
    const bytes = new TextEncoder().encode(value)
    if (bytes.length > 255) throw new RangeError('a short string has at most 255 bytes')
    return this.octet(bytes.length).raw(bytes)
  }

  longstr(value: string): this {
    const bytes = new TextEncoder().encode(value)
    return this.long(bytes.length).raw(bytes)
  }

  /** Of the types only those that a peer may need: text, flag, number (32 bits, or a double), table, list, nothing. */
  table(table: Table): this {
    const inner = new Writer()
    for (const [name, value] of Object.entries(table)) inner.shortstr(name).#value(value)
    return this.long(inner.bytes.length).raw(inner.bytes)
  }

  #value(value: Value): this {
    const type = (letter: string) => this.octet(letter.charCodeAt(0))
    if (typeof value === 'string') return type('S').longstr(value)
    if (typeof value === 'boolean') return type('t').octet(value ? 1 : 0)
    if (typeof value === 'bigint') return type('l').#number(8, it => it.setBigInt64(0, value))
    if (typeof value === 'number')
      return Number.isInteger(value) && Math.abs(value) < 2 ** 31
        ? type('I').#number(4, it => it.setInt32(0, value))
        : type('d').#number(8, it => it.setFloat64(0, value))
    if (value === null) return type('V')
    if (!isList(value)) return type('F').table(value)
    const inner = new Writer()
    for (const item of value) inner.#value(item)
    return type('A').long(inner.bytes.length).raw(inner.bytes)
  }
}

const isList = (value: Value): value is readonly Value[] => Array.isArray(value)
