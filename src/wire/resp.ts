/** Redis' protocol, versions 2 and 3. Source: redis.io, "Redis serialization protocol specification". */

/** What a parser reads from: a link, or bytes in a test. */
export interface RespSource {
  read(n: number): Promise<Uint8Array>
  readLine(limit: number): Promise<string>
}

export type Reply = string | number | null | boolean | RespError | readonly Reply[]

/** An error reply: its prefix is the code. */
export class RespError {
  readonly code: string
  constructor(readonly message: string) {
    this.code = /^[A-Z][A-Z0-9]*(?= |$)/.exec(message)?.[0] ?? 'ERR'
  }
}

/** Bytes that are no reply. */
export class RespSyntaxError extends Error {
  override readonly name = 'RespSyntaxError'
}

const MAX_LINE = 65_536
const MAX_BULK = 1 << 20
const MAX_ITEMS = 10_000
const MAX_DEPTH = 8

/** True for a byte that begins a reply. */
export const beginsReply = (byte: number): boolean => '+-:$*_#,(!=%~>'.includes(String.fromCharCode(byte))

export const command = (...words: readonly string[]): Uint8Array =>
  new TextEncoder().encode(
    `*${words.length}\r\n${words.map(word => `$${new TextEncoder().encode(word).length}\r\n${word}\r\n`).join('')}`,
  )

/** Reads one reply. Maps and sets come as flat lists, pushes are passed over. */
export async function readReply(source: RespSource, depth = 0): Promise<Reply> {
  if (depth > MAX_DEPTH) throw new RespSyntaxError('a reply nested too deep')
  let line = await source.readLine(MAX_LINE)
  while (line.startsWith('>')) {
    await items(source, count(line.slice(1), MAX_ITEMS), depth)
    line = await source.readLine(MAX_LINE)
  }
  const rest = line.slice(1)
  switch (line[0]) {
    case '+':
    case '(':
    case ',':
      return rest
    case '-':
      return new RespError(rest)
    case ':':
      return number(rest)
    case '_':
      return null
    case '#':
      return rest === 't'
    case '$':
    case '=':
      return bulk(source, rest)
    case '!': {
      const text = await bulk(source, rest)
      return new RespError(text ?? '')
    }
    case '*':
    case '~':
      return items(source, count(rest, MAX_ITEMS), depth)
    case '%':
      return items(source, count(rest, MAX_ITEMS / 2) * 2, depth)
    default:
      throw new RespSyntaxError('not the beginning of a reply')
  }
}

function number(text: string): number {
  if (!/^[+-]?\d{1,19}$/.test(text)) throw new RespSyntaxError('not a number')
  return Number(text)
}

function count(text: string, limit: number): number {
  const n = number(text)
  if (n > limit || n < -1) throw new RespSyntaxError(`a length of ${n}`)
  return n
}

async function bulk(source: RespSource, length: string): Promise<string | null> {
  const n = count(length, MAX_BULK)
  if (n < 0) return null
  const bytes = await source.read(n + 2)
  if (bytes[n] !== 13 || bytes[n + 1] !== 10) throw new RespSyntaxError('a string without its end')
  return new TextDecoder().decode(bytes.subarray(0, n))
}

async function items(source: RespSource, n: number, depth: number): Promise<Reply> {
  if (n < 0) return null
  const replies: Reply[] = []
  for (let i = 0; i < n; i++) replies.push(await readReply(source, depth + 1))
  return replies
}
