/** HTTP/1.1 from the client's side, without compression. Source: RFC 9110 and RFC 9112. */
import { LinkError } from '../core/service.js'

/** What an answer is read from: a link, or bytes in a test. */
export interface HttpSource {
  read(n: number): Promise<Uint8Array>
  readLine(limit: number): Promise<string>
  peek(): Promise<Uint8Array>
}

export interface Head {
  readonly status: number
  readonly reason: string
  /** By their names in lower case; of several with one name the last. */
  readonly headers: ReadonlyMap<string, string>
  /** The server keeps the connection for another request. */
  readonly persistent: boolean
}

/** `cut`: longer than wanted. `lost`: the stream ended before it. */
export type BodyEnd = 'whole' | 'cut' | 'lost'

export interface Body {
  readonly bytes: Uint8Array
  readonly end: BodyEnd
}

/** Bytes that are no answer of HTTP/1. */
export class HttpSyntaxError extends Error {
  override readonly name = 'HttpSyntaxError'
}

const MAX_LINE = 16_384
const MAX_HEADERS = 200
const MAX_INTERIM = 20
const PIECE = 65_536
/** Chunks of one body that are read: their framing costs time, however little they hold. */
const MAX_CHUNKS = 65_536

/** True while the bytes may begin an answer. */
export function beginsAnswer(bytes: Uint8Array): boolean {
  const begins = 'HTTP/1.'
  const text = String.fromCharCode(...bytes.subarray(0, begins.length))
  return begins.startsWith(text)
}

/**
 * A POST request. Header values are sent as UTF-8.
 * @throws HttpSyntaxError where a value would end its line.
 */
export function post(path: string, headers: Readonly<Record<string, string>>, body: string): Uint8Array {
  const content = new TextEncoder().encode(body)
  const lines = Object.entries({ ...headers, 'content-length': String(content.length) })
  for (const [name, value] of lines)
    if (/[\r\n\0]/.test(value)) throw new HttpSyntaxError(`a line end in the header ${name}`)
  if (/[^\x21-\x7e]/.test(path)) throw new HttpSyntaxError('a space or more in the path')
  const head = new TextEncoder().encode(
    `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  )
  const request = new Uint8Array(head.length + content.length)
  request.set(head)
  request.set(content, head.length)
  return request
}

/** Reads status line and headers; interim answers (1xx) are passed over. */
export async function readHead(source: HttpSource): Promise<Head> {
  for (let i = 0; i < MAX_INTERIM; i++) {
    const head = await readOneHead(source)
    if (head.status >= 200) return head
    if (head.status === 101) throw new HttpSyntaxError('another protocol')
  }
  throw new HttpSyntaxError('interim answers without an end')
}

async function readOneHead(source: HttpSource): Promise<Head> {
  const line = await source.readLine(MAX_LINE)
  const [, minor, status, reason = ''] = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/.exec(line) ?? []
  if (!status) throw new HttpSyntaxError('not a status line')
  const headers = await readFields(source)
  const connection = headers.get('connection')?.toLowerCase()
  const persistent = minor === '1' ? connection !== 'close' : connection === 'keep-alive'
  return { status: Number(status), reason, headers, persistent }
}

async function readFields(source: HttpSource): Promise<Map<string, string>> {
  const fields = new Map<string, string>()
  for (let i = 0; i <= MAX_HEADERS; i++) {
    const line = await source.readLine(MAX_LINE)
    if (line === '') return fields
    const colon = line.indexOf(':')
    if (colon <= 0) throw new HttpSyntaxError('not a header')
    fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  throw new HttpSyntaxError('headers without an end')
}

/** Reads as much of the body as `limit` bytes. After less than the whole the stream is of no more use. */
export async function readBody(source: HttpSource, { status, headers }: Head, limit: number): Promise<Body> {
  const room = new Room(limit)
  const length = headers.get('content-length')
  try {
    if (status === 204 || status === 304) return room.body('whole')
    if (/\bchunked$/i.test(headers.get('transfer-encoding') ?? ''))
      return room.body(await chunks(source, room))
    if (length === undefined) return room.body(await untilEnd(source, room))
    if (!/^\d{1,15}$/.test(length)) throw new HttpSyntaxError(`a length of ${length}`)
    return room.body(await room.take(source, Number(length)))
  } catch (error) {
    if (error instanceof LinkError) return room.body('lost')
    throw error
  }
}

/** What has been read of a body, and how much more is wanted. */
class Room {
  #bytes = new Uint8Array(0)
  #size = 0
  constructor(readonly limit: number) {}

  async take(source: HttpSource, n: number): Promise<BodyEnd> {
    let wanted = Math.min(n, this.limit - this.#size)
    while (wanted > 0) {
      const piece = await source.read(Math.min(wanted, PIECE))
      wanted -= piece.length
      this.#keep(piece)
      n -= piece.length
    }
    return n > 0 ? 'cut' : 'whole'
  }

  /** Copied, since a view would keep all that was received with it. */
  #keep(piece: Uint8Array): void {
    const size = this.#size + piece.length
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.min(this.limit, Math.max(size, 2 * this.#bytes.length, 1024)))
      grown.set(this.#bytes.subarray(0, this.#size))
      this.#bytes = grown
    }
    this.#bytes.set(piece, this.#size)
    this.#size = size
  }

  body(end: BodyEnd): Body {
    return { bytes: this.#bytes.subarray(0, this.#size), end }
  }
}

async function chunks(source: HttpSource, room: Room): Promise<BodyEnd> {
  for (let i = 0; i < MAX_CHUNKS; i++) {
    const size = /^([0-9a-f]{1,8})\s*(?:;.*)?$/i.exec(await source.readLine(MAX_LINE))?.[1]
    if (!size) throw new HttpSyntaxError('not the size of a chunk')
    const n = Number.parseInt(size, 16)
    if (n === 0) {
      await readFields(source)
      return 'whole'
    }
    if ((await room.take(source, n)) === 'cut') return 'cut'
    if ((await source.readLine(0)) !== '') throw new HttpSyntaxError('a chunk without its end')
  }
  return 'cut'
}

async function untilEnd(source: HttpSource, room: Room): Promise<BodyEnd> {
  for (;;) {
    const more = await source.peek().catch(error => {
      if (error instanceof LinkError) return undefined
      throw error
    })
    if (!more) return 'whole'
    if ((await room.take(source, more.length)) === 'cut') return 'cut'
  }
}
