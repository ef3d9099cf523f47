import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Aim } from '../gate/outcome.js'
import { IsolationError } from './errors.js'
import { type Answer, answer, type Exchange, respond } from './face.js'
import { Manager } from './manager.js'

/** What `POST /servers` takes: a PostgreSQL server on which databases may be made. */
export interface ServerRequest {
  /** With a role that may make databases. */
  readonly url: string
  /** Hosts beyond this machine on which databases may be made and dropped. */
  readonly allowRemote?: readonly string[]
  /** Clones that are kept ready. Default 8. */
  readonly pool?: number
  /** True for a stand-in, which ends with the run: nothing on it needs to be dropped. */
  readonly ours?: boolean
}

export interface IsolationOptions {
  /** Reads an address. Throws HoldfastError (usage) for one that is no PostgreSQL server's. */
  readonly aim: (url: string) => Promise<Aim>
  /** The server behind `/api/v1`, for IntegreSQL's clients. */
  readonly main?: Omit<ServerRequest, 'url'> & { readonly aim: Aim }
  /** Hears what people should know, a line each. */
  readonly say?: (text: string) => void
  /** Finished templates at the end: `keep` as a cache for later runs (default), or `drop`. */
  readonly templates?: 'keep' | 'drop'
}

interface Known {
  readonly id: string
  readonly request: Omit<ServerRequest, 'url'>
  readonly aim: () => Promise<Aim>
  manager?: Promise<Manager> | undefined
}

/**
 * Databases for tests on any number of servers, over HTTP:
 *
 *     POST /servers ServerRequest → { id, major }     the same request has the same id
 *     …    /servers/ID/api/v1/…                       IntegreSQL's API, with some more (face.ts)
 *     …    /api/v1/…                                  the same for the main server
 *
 * Nothing is connected before the first request.
 */
export class Isolation {
  readonly #known = new Map<string, Known>()
  readonly #said = new Set<string>()
  #closing: Promise<void> | undefined

  constructor(readonly options: IsolationOptions) {}

  /**
   * Answers a request to `/servers…` or `/api/v1/…`; false for any other, which it leaves untouched. Never rejects.
   * `path` differs from the request's where this is mounted further down.
   */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    path = request.url ?? '/',
  ): Promise<boolean> {
    if (!/^\/(servers|api\/v1)(\/|\?|$)/.test(path)) return false
    await respond(request, response, exchange => this.#answer(exchange), path, this.#say)
    return true
  }

  readonly #say = (message: string) => {
    if (!this.#said.has(message)) this.options.say?.(message)
    this.#said.add(message)
  }

  /** Drops what was made, but for what is kept, and closes every session. Says what cannot be dropped. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const managers = await Promise.allSettled([...this.#known.values()].map(({ manager }) => manager))
    await Promise.allSettled(managers.map(one => one.status === 'fulfilled' && one.value?.close()))
  }

  async #answer(exchange: Exchange): Promise<Answer> {
    if (this.#closing) throw new IsolationError(503, 'isolation has ended')
    const { main } = this.options
    const [, id, rest] = /^\/servers\/([0-9a-f]+)\/api\/v1(\/.*)$/.exec(exchange.path) ?? []
    if (id && rest) {
      const known = [...this.#known.values()].find(one => one.id === id)
      if (!known) throw new IsolationError(404, 'no such server: POST /servers first')
      return answer(() => this.#open(known), { ...exchange, path: rest })
    }
    if (exchange.path === '/servers' && exchange.method === 'POST') {
      const request = checked(await exchange.body())
      // What one request allows another has not allowed.
      const known = this.#know(JSON.stringify(request), request, () => this.options.aim(request.url))
      const { server } = await this.#open(known)
      return { status: 200, body: { id: known.id, major: server.about.major } }
    }
    const own = /^\/api\/v1(\/.*)$/.exec(exchange.path)?.[1]
    if (!own || !main) throw new IsolationError(404, 'Not Found')
    const known = () => this.#know('', main, async () => main.aim)
    return answer(() => this.#open(known()), { ...exchange, path: own })
  }

  #know(key: string, request: Omit<ServerRequest, 'url'>, aim: () => Promise<Aim>): Known {
    const there = this.#known.get(key)
    if (there) return there
    const known = { id: randomBytes(8).toString('hex'), request, aim }
    this.#known.set(key, known)
    return known
  }

  /** What could not be opened is tried again by the next request. */
  #open(known: Known): Promise<Manager> {
    const { templates = 'keep' } = this.options
    known.manager ??= known.aim().then(aim => {
      if (aim.service.name !== 'postgres')
        throw new IsolationError(400, `isolation is for PostgreSQL, not for ${aim.service.name}`)
      return Manager.open(aim, { ...known.request, templates, say: this.#say })
    })
    const { manager } = known
    manager.catch(() => {
      if (known.manager === manager) known.manager = undefined
    })
    return manager
  }
}

function checked({ url, allowRemote, pool, ours }: Record<string, unknown>): ServerRequest {
  if (typeof url !== 'string' || url === '') throw new IsolationError(400, 'url is required')
  if (pool !== undefined && !(Number.isSafeInteger(pool) && Number(pool) > 0))
    throw new IsolationError(400, 'pool: a whole number from 1')
  const hosts = Array.isArray(allowRemote) ? allowRemote.filter(one => typeof one === 'string') : []
  return { url, allowRemote: hosts, ours: ours === true, ...(pool ? { pool: Number(pool) } : {}) }
}
