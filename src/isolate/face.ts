import type { IncomingMessage, ServerResponse } from 'node:http'
import { HoldfastError } from '../core/errors.js'
import type { Target } from '../core/target.js'
import { ownerFrom } from '../io/owner.js'
import { IsolationError, type Status } from './errors.js'
import type { Manager } from './manager.js'

/** The most that a body may hold, in bytes. */
const MOST = 1 << 16

/** One request, and what it is answered with. */
export interface Exchange {
  readonly method: string
  /** Behind what the API is mounted at. */
  readonly path: string
  readonly query: URLSearchParams
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  readonly body: () => Promise<Record<string, unknown>>
}

export type Answer = { readonly status: number; readonly body?: object; readonly unsent?: () => void }

type Route = (manager: Manager, hash: string, id: number, exchange: Exchange) => Promise<Answer> | Answer

const DONE: Answer = { status: 204 }

/**
 * IntegreSQL's API, version 1, as its server's routes.go and templates.go have it. What is ours: `builder` and
 * `ofRun` in POST /templates, GET /templates/HASH (204 when it is finished), `holder` of a claim, and `keep`.
 */
const ROUTES: readonly (readonly [method: string, pattern: RegExp, route: Route])[] = [
  [
    'POST',
    /^\/templates$/,
    async (manager, _hash, _id, { body }) => {
      const { hash, builder, ofRun } = await body()
      if (typeof hash !== 'string' || hash === '') throw new IsolationError(400, 'hash is required')
      const name = await manager.initialize(hash, ownerFrom(builder), ofRun === true)
      return { status: 200, body: database(manager, hash, name) }
    },
  ],
  [
    'GET',
    /^\/templates\/([^/]+)$/,
    async (manager, hash, _, { signal }) => {
      await manager.ready(hash, signal)
      return DONE
    },
  ],
  ['PUT', /^\/templates\/([^/]+)$/, (manager, hash) => manager.finalize(hash).then(() => DONE)],
  ['DELETE', /^\/templates\/([^/]+)$/, (manager, hash) => manager.discard(hash).then(() => DONE)],
  [
    'GET',
    /^\/templates\/([^/]+)\/tests$/,
    async (manager, hash, _, { query, signal }) => {
      const { id, name } = await manager.claim(hash, holderIn(query), signal)
      const unsent = () => manager.unlock(hash, id)
      return { status: 200, body: { id, ...database(manager, hash, name) }, unsent }
    },
  ],
  ['POST', /^\/templates\/([^/]+)\/tests\/([^/]+)\/unlock$/, unlock],
  ['DELETE', /^\/templates\/([^/]+)\/tests\/([^/]+)$/, unlock],
  [
    'POST',
    /^\/templates\/([^/]+)\/tests\/([^/]+)\/recreate$/,
    (manager, hash, id) => {
      manager.recreate(hash, id)
      return DONE
    },
  ],
  [
    'POST',
    /^\/templates\/([^/]+)\/tests\/([^/]+)\/keep$/,
    async (manager, hash, id, { body }) => {
      const about = Object.entries(await body()).filter(
        ([key, value]) => ['suite', 'test'].includes(key) && typeof value === 'string',
      )
      return { status: 200, body: { name: await manager.keep(hash, id, Object.fromEntries(about)) } }
    },
  ],
  ['DELETE', /^\/admin\/templates$/, manager => manager.reset().then(() => DONE)],
]

function holderIn(query: URLSearchParams) {
  try {
    return ownerFrom(JSON.parse(query.get('holder') ?? 'null'))
  } catch {
    throw new IsolationError(400, 'holder is not JSON')
  }
}

function unlock(manager: Manager, hash: string, id: number): Answer {
  manager.unlock(hash, id)
  return DONE
}

/** Answers a request to the API. Throws IsolationError and HoldfastError. */
export async function answer(open: () => Promise<Manager>, exchange: Exchange): Promise<Answer> {
  const path = exchange.path.replace(/\/$/, '')
  const fitting = ROUTES.filter(([, pattern]) => pattern.test(path))
  if (fitting.length === 0) throw new IsolationError(404, 'Not Found')
  const [, pattern, route] = fitting.find(([method]) => method === exchange.method) ?? []
  if (!pattern || !route) throw new IsolationError(405, 'Method Not Allowed')
  const [, hash = '', id = '0'] = pattern.exec(path) ?? []
  if (!/^\d{1,9}$/.test(id)) throw new IsolationError(400, 'invalid test database ID')
  return route(await open(), decoded(hash), Number(id), exchange)
}

function decoded(hash: string): string {
  try {
    return decodeURIComponent(hash)
  } catch {
    throw new IsolationError(400, 'the hash is not percent-encoded as it should be')
  }
}

/** `models.Database` of IntegreSQL's clients. */
const database = ({ server }: Manager, templateHash: string, name: string) => ({
  database: { templateHash, config: configOf(server.aim.target, name) },
})

export function configOf({ hosts, user, password, tls }: Target, name: string) {
  const [host] = hosts
  const socket = host && 'path' in host ? /^(.*)\/\.s\.PGSQL\.(\d+)$/.exec(host.path) : undefined
  const params = {
    ...(tls.mode === 'prefer' || socket ? {} : { sslmode: tls.mode }),
    ...(tls.ca ? { sslrootcert: tls.ca } : {}),
  }
  return {
    host: socket?.[1] ?? (host && 'host' in host ? (host.address ?? host.host) : 'localhost'),
    port: Number(socket?.[2] ?? (host && 'host' in host ? host.port : 5432)),
    username: user ?? '',
    password: (host?.password ?? password)?.reveal() ?? '',
    database: name,
    ...(Object.keys(params).length > 0 ? { additionalParams: params } : {}),
  }
}

/** Runs `work` and writes what it gives or throws, in echo's words: `{"message":"…"}`. Never rejects. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  work: (exchange: Exchange) => Promise<Answer>,
  path: string,
  failed: (message: string) => void,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client is gone')))
  const url = new URL(path, 'http://localhost')
  let result: Answer
  try {
    result = await work({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      signal: gone.signal,
      body: () => readBody(request),
    })
  } catch (error) {
    if (gone.signal.aborted) return
    const { status, body } = failure(error)
    if (status >= 500) failed(body.message)
    result = { status, body }
  }
  if (response.destroyed) return result.unsent?.()
  response.writeHead(result.status, result.body ? { 'Content-Type': 'application/json; charset=UTF-8' } : {})
  response.end(result.body && JSON.stringify(result.body))
}

function failure(error: unknown): { status: Status; body: { message: string; kind?: string } } {
  if (error instanceof IsolationError) return { status: error.status, body: { message: error.message } }
  if (!HoldfastError.is(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return { status: 500, body: { message, kind: 'defect' } }
  }
  const { kind, message } = error
  return { status: kind === 'usage' ? 400 : kind === 'verdict' ? 503 : 500, body: { message, kind } }
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > MOST) throw new IsolationError(413, 'the body is too long')
  }
  try {
    const value: unknown = JSON.parse(text || '{}')
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new IsolationError(400, 'the body is not a JSON object')
}
