/** Scripts that answer as a ClickHouse does over HTTP, also as newer ones than the packaged server. */
import type { PeerConnection, Script } from './peer.js'

interface Request {
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

async function readRequest(connection: PeerConnection): Promise<Request> {
  const [line = '', ...fields] = (await connection.readUntil('\r\n\r\n')).toString().trimEnd().split('\r\n')
  const headers = new Map(
    fields.map(field => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()] as const
    }),
  )
  const length = Number(headers.get('content-length') ?? 0)
  const body = length > 0 ? (await connection.read(length)).toString() : ''
  return { path: line.split(' ')[1] ?? '', headers, body }
}

function answerOf(status: string, body: string, headers: Record<string, string>): string {
  const all = { 'content-length': String(Buffer.byteLength(body)), ...headers }
  return `HTTP/1.1 ${status}\r\n${Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n${body}`
}

/** Gives every request the same answer. */
export const speaks =
  (status: string, body: string, headers: Record<string, string> = {}): Script =>
  async connection => {
    for (;;) {
      await readRequest(connection)
      await connection.send(answerOf(status, body, headers))
    }
  }

/** Gives every request an exception in the format of newer servers. */
export const exception = (status: number, code: number, text: string): Script =>
  speaks(
    `${status} Refused`,
    `Code: ${code}. DB::Exception: ${text} (version 24.8.4.13 (official build))\n`,
    {
      'content-type': 'text/plain; charset=UTF-8',
      'x-clickhouse-exception-code': String(code),
      'x-clickhouse-server-display-name': 'peer',
    },
  )

/** What a statement gives: rows as text, a whole answer that begins with HTTP/, or nothing ever. */
type Reply = string | 'hang' | undefined

/** A server of version 24.8 that serves; `reply` says where it answers otherwise, `path` has the parameters. */
export const chatter =
  (reply: (statement: string, path: string) => Reply, headers: Record<string, string> = {}): Script =>
  async connection => {
    for (;;) {
      const { path, body } = await readRequest(connection)
      const own = reply(body, path)
      if (own === 'hang') return connection.hang()
      if (own?.startsWith('HTTP/')) {
        await connection.send(own)
        if (/^connection: close/im.test(own)) return
        continue
      }
      await connection.send(
        answerOf('200 OK', own ?? usual(body), {
          'content-type': 'text/tab-separated-values; charset=UTF-8',
          'keep-alive': 'timeout=10',
          'x-clickhouse-format': 'TabSeparated',
          'x-clickhouse-server-display-name': 'peer',
          ...headers,
        }),
      )
    }
  }

function usual(statement: string): string {
  const nonce = /reverse\('(\w+)'\)/.exec(statement)?.[1]
  return nonce ? `24.8.4.13\t${[...nonce].reverse().join('')}\n` : '1\n'
}
