import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** What this needs of chdb's session. */
export interface Engine {
  query(statement: string, format: string): string
  queryBind(statement: string, parameters: object, format: string): string
}

interface Settings {
  readonly engine: Engine
  readonly password: string
}

/** A request's body beyond this is refused, in bytes. */
const MOST_BYTES = 16 << 20

const USER = 'holdfast'

/**
 * ClickHouse's HTTP interface as far as one session can have it: query and data, `database`, `default_format`,
 * `param_NAME`, users by header, Basic or parameter; errors with their codes. Resolves with the port on 127.0.0.1.
 */
export function serveClickHouse(settings: Settings): Promise<number> {
  const server = clickHouseFront(settings)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

/** The same, not listening yet. */
export const clickHouseFront = (settings: Settings): Server =>
  createServer({ keepAliveTimeout: 10_000 }, (request, response) => {
    answer(request, response, settings).catch(error => fail(response, error))
  })

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { engine, password }: Settings,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost')
  if (pathname === '/ping' || (pathname === '/' && searchParams.size === 0 && request.method === 'GET')) {
    response.end('Ok.\n')
    return
  }
  if (!isKnown(request, searchParams, password)) throw new Error(REJECTED)
  const body = await bodyOf(request)
  const given = searchParams.get('query')
  const statement = given === null ? body : body ? `${given}\n${body}` : given
  const database = searchParams.get('database') || headerOf(request, 'x-clickhouse-database') || 'default'
  const format =
    searchParams.get('default_format') || headerOf(request, 'x-clickhouse-format') || 'TabSeparated'
  const parameters = Object.fromEntries(
    [...searchParams].flatMap(([name, value]) =>
      name.startsWith('param_') ? [[name.slice('param_'.length), value]] : [],
    ),
  )
  engine.query(`USE \`${database.replace(/[\\`]/g, '\\$&')}\``, format)
  const text =
    Object.keys(parameters).length > 0
      ? engine.queryBind(statement, parameters, format)
      : engine.query(statement, format)
  const id = searchParams.get('query_id')
  const named = /\bFORMAT\s+(\w+)\s*;?\s*$/i.exec(statement)?.[1] ?? format
  response.writeHead(200, {
    'Content-Type': `${contentType(named)}; charset=UTF-8`,
    'X-ClickHouse-Server-Display-Name': 'chdb',
    'X-ClickHouse-Format': named,
    'X-ClickHouse-Summary': '{}',
    ...(id ? { 'X-ClickHouse-Query-Id': id.replace(/[^\x20-\x7e]/g, '') } : {}),
  })
  response.end(text)
}

function contentType(format: string): string {
  if (/^(TabSeparated|TSV)/i.test(format)) return 'text/tab-separated'
  if (/^CSV/i.test(format)) return 'text/csv'
  return /^JSON/i.test(format) ? 'application/json' : 'text/plain'
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  if (request.headers['content-encoding']) {
    throw new Error('Code: 48. DB::Exception: compressed bodies are not taken. (NOT_IMPLEMENTED)')
  }
  const chunks: Uint8Array[] = []
  let size = 0
  await new Promise<void>((resolve, reject) => {
    // An iterator that is left would end the connection, and the answer with it.
    request.on('data', (chunk: Uint8Array) => {
      size += chunk.length
      if (size <= MOST_BYTES) return void chunks.push(chunk)
      chunks.length = 0
      request.removeAllListeners('data').resume()
      reject(new Error('Code: 290. DB::Exception: the body is too long. (LIMIT_EXCEEDED)'))
    })
    request.once('end', resolve).once('error', reject)
    request.once('close', () => reject(new Error('the client left')))
  })
  return Buffer.concat(chunks).toString('utf8')
}

const REJECTED = `Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`

function isKnown(request: IncomingMessage, search: URLSearchParams, password: string): boolean {
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const [, user, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(basic ?? '', 'base64').toString()) ?? []
  const names = [headerOf(request, 'x-clickhouse-user'), user, search.get('user')]
  const secrets = [headerOf(request, 'x-clickhouse-key'), secret, search.get('password')]
  return names.find(Boolean) === USER && secrets.find(Boolean) === password
}

const headerOf = ({ headers }: IncomingMessage, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** ClickHouse's statuses for codes. Source: exceptionCodeToHTTPStatus in its HTTPHandler. */
const STATUS: Readonly<Record<string, number>> = { 47: 404, 48: 501, 60: 404, 62: 400, 81: 404, 516: 403 }

function fail(response: ServerResponse, error: Error): void {
  const text = error.message.replace(/^Query failed: /, '')
  const code = /Code: (\d+)/.exec(text)?.[1] ?? '1002'
  if (!response.headersSent) {
    response.writeHead(STATUS[code] ?? 500, {
      'Content-Type': 'text/plain; charset=UTF-8',
      'X-ClickHouse-Exception-Code': code,
      'X-ClickHouse-Server-Display-Name': 'chdb',
    })
  }
  response.end(`${text}\n`)
}
