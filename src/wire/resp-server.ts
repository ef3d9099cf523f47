/** The server's side of Redis' protocol, version 2: requests from bytes, replies to bytes. */

/** A request that cannot be read; the message is what Redis says before it hangs up. */
class RespRequestError extends Error {
  override readonly name = 'RespRequestError'
}

/** Longer than any inline command or count line that a client sends. Source: PROTO_INLINE_MAX_SIZE in redis' server.h. */
const MAX_LINE = 65_536
/** Redis takes 1,048,576 words, and 512 MB in each. */
const MAX_WORDS = 1 << 20
/** What all words of a request may hold together, in bytes. */
const MAX_REQUEST = 64 << 20

/**
 * Takes bytes as they come and gives requests: lists of words. Holds at most one unfinished request, and no more of
 * it than has come.
 */
export class RespRequests {
  #rest: Buffer = Buffer.alloc(0)
  /** What has come and not been read; joined only once there is enough of it for the next word. */
  #chunks: Uint8Array[] = []
  #held = 0
  #needed = 0
  /** Of a request in arrays: how many words are still missing, and those that are here. */
  #missing = 0
  #words: Buffer[] = []
  #size = 0

  /** The requests that are whole now; `broken`, what is wrong with the bytes after them, once and for good. */
  push(bytes: Uint8Array): { requests: Buffer[][]; broken?: string } {
    this.#chunks.push(bytes)
    this.#held += bytes.length
    if (this.#held < this.#needed) return { requests: [] }
    this.#rest = Buffer.concat(this.#chunks)
    this.#needed = 0
    const requests: Buffer[][] = []
    try {
      for (let request = this.#next(); request; request = this.#next())
        if (request.length > 0) requests.push(request)
      return { requests }
    } catch (error) {
      if (!(error instanceof RespRequestError)) throw error
      return { requests, broken: error.message }
    } finally {
      this.#chunks = [this.#rest]
      this.#held = this.#rest.length
    }
  }

  #next(): Buffer[] | undefined {
    if (this.#missing === 0) {
      const line = this.#line()
      if (line === undefined) return undefined
      if (!line.startsWith('*')) return inline(line)
      this.#missing = length(line.slice(1), MAX_WORDS, 'invalid multibulk length')
      this.#words = []
      this.#size = 0
      if (this.#missing <= 0) {
        this.#missing = 0
        return []
      }
    }
    while (this.#missing > 0) {
      const word = this.#word()
      if (!word) return undefined
      this.#words.push(word)
      this.#missing--
    }
    return this.#words
  }

  #word(): Buffer | undefined {
    const end = this.#end()
    if (end < 0) return undefined
    if (this.#rest[0] !== 36) {
      throw new RespRequestError(`Protocol error: expected '$', got '${this.#rest.toString('latin1', 0, 1)}'`)
    }
    const size = length(this.#rest.toString('latin1', 1, end), MAX_REQUEST, 'invalid bulk length')
    if (size < 0 || this.#size + size > MAX_REQUEST) {
      throw new RespRequestError('Protocol error: invalid bulk length')
    }
    const from = end + 2
    if (this.#rest.length < from + size + 2) {
      this.#needed = from + size + 2
      return undefined
    }
    const word = Buffer.from(this.#rest.subarray(from, from + size))
    this.#rest = this.#rest.subarray(from + size + 2)
    this.#size += size
    return word
  }

  #line(): string | undefined {
    const end = this.#rest.indexOf(10)
    if (end < 0 && this.#rest.length <= MAX_LINE) return undefined
    if (end < 0 || end > MAX_LINE) throw new RespRequestError('Protocol error: too big inline request')
    const line = this.#rest.toString('utf8', 0, end).replace(/\r$/, '')
    this.#rest = this.#rest.subarray(end + 1)
    return line
  }

  /** Where the line that the rest begins with ends, or -1 where its end has not come yet. */
  #end(): number {
    const end = this.#rest.indexOf('\r\n')
    if (end > 32 || (end < 0 && this.#rest.length > 32)) {
      throw new RespRequestError('Protocol error: too big bulk count string')
    }
    return end
  }
}

function length(text: string, limit: number, what: string): number {
  const n = /^-?\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(n <= limit)) throw new RespRequestError(`Protocol error: ${what}`)
  return n
}

/** A line as telnet sends it. */
const inline = (line: string): Buffer[] =>
  line
    .split(/\s+/)
    .filter(Boolean)
    .map(word => Buffer.from(word))

/** A short answer such as OK, which is no value. */
export class Status {
  constructor(readonly text: string) {}
}

/** An error, with its code first: `ERR unknown command`. */
export class ErrorReply {
  constructor(readonly text: string) {}
}

export type Answer = Status | ErrorReply | number | string | Uint8Array | null | readonly Answer[]

/** The bytes of a reply. Arrays without a value (`null` in EXEC) are `*-1`: give `nullArray`. */
export function encodeReply(answer: Answer): Buffer {
  const parts: Uint8Array[] = []
  write(answer, parts)
  return Buffer.concat(parts)
}

export const NULL_ARRAY = Buffer.from('*-1\r\n')

function write(answer: Answer, parts: Uint8Array[]): void {
  if (answer === null) parts.push(Buffer.from('$-1\r\n'))
  else if (typeof answer === 'number') parts.push(Buffer.from(`:${answer}\r\n`))
  else if (answer instanceof Status) parts.push(Buffer.from(`+${oneLine(answer.text)}\r\n`))
  else if (answer instanceof ErrorReply) parts.push(Buffer.from(`-${oneLine(answer.text)}\r\n`))
  else if (typeof answer === 'string' || answer instanceof Uint8Array) {
    const bytes = typeof answer === 'string' ? Buffer.from(answer) : answer
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF)
  } else {
    parts.push(Buffer.from(`*${answer.length}\r\n`))
    for (const one of answer) write(one, parts)
  }
}

const CRLF = Buffer.from('\r\n')
const oneLine = (text: string): string => text.replace(/[\r\n]+/g, ' ')
