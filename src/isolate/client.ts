import { Agent, request as httpRequest } from 'node:http'
import { type ErrorKind, HoldfastError } from '../core/errors.js'
import { thisProcess } from '../io/owner.js'
import { IsolationError, type Status } from './errors.js'
import type { ServerRequest } from './isolation.js'

/** Where an Isolation is mounted: on a Unix socket, or below a URL like `http://127.0.0.1:1234/TOKEN`. */
export type Place = { readonly socketPath: string } | { readonly baseUrl: string }

/** A database that was made for somebody. */
export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly database: string
  readonly additionalParams?: Readonly<Record<string, string>>
}

/** Brings a new template up to date. */
type Fill = (database: DatabaseAddress) => Promise<void>

interface Given {
  readonly id: number
  readonly database: DatabaseAddress
}

/** A process that is gone gives nothing back. */
const HOLDER = encodeURIComponent(JSON.stringify(thisProcess()))

/** How often a template that was discarded meanwhile is asked for again. */
const TRIES = 3

/** Speaks to an Isolation, from any process. Holds no connection that would keep its process alive. */
export class IsolationClient {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #servers = new Map<string, Promise<IsolatedServer>>()

  constructor(readonly place: Place) {}

  /**
   * The same server is asked for once.
   * @throws HoldfastError where databases may not, or cannot, be made there, with the next step.
   */
  server(request: ServerRequest): Promise<IsolatedServer> {
    const key = JSON.stringify(request)
    const server =
      this.#servers.get(key) ??
      this.call('POST', '/servers', request).then(
        ({ id, major }) => new IsolatedServer(this, `/servers/${id}/api/v1`, Number(major)),
      )
    this.#servers.set(key, server)
    server.catch(() => this.#servers.delete(key))
    return server
  }

  close(): void {
    this.#agent.destroy()
  }

  /** @throws HoldfastError or IsolationError, as the other side did; an error with `place` where that could not be asked. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes is known by its path
  async call(method: string, path: string, body?: object): Promise<any> {
    const { status, text } = await this.#send(method, path, body && JSON.stringify(body))
    const answer = text ? JSON.parse(text) : undefined
    if (status < 400) return answer
    const { message = `status ${status}`, kind } = answer ?? {}
    if (kind) throw new HoldfastError(kind === 'verdict' ? 'config' : (kind as ErrorKind), message)
    throw new IsolationError(status as Status, message)
  }

  #send(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    const { place } = this
    const base = 'baseUrl' in place ? new URL(place.baseUrl) : undefined
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          ...('socketPath' in place ? { socketPath: place.socketPath } : {}),
          ...(base ? { host: base.hostname, port: base.port } : {}),
          path: (base?.pathname.replace(/\/$/, '') ?? '') + path,
          method,
          agent: this.#agent,
          headers: {
            host: base?.host ?? 'localhost',
            ...(body
              ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
              : {}),
          },
        },
        response => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', chunk => {
            text += chunk
          })
          response.once('error', error => reject(Object.assign(error, { place })))
          response.once('end', () => resolve({ status: response.statusCode ?? 500, text }))
        },
      )
      request.once('error', (error: NodeJS.ErrnoException) => {
        // The other side closed an idle connection in this moment: the request did not arrive.
        if (request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(error.code ?? ''))
          this.#send(method, path, body).then(resolve, reject)
        else reject(Object.assign(error, { place }))
      })
      request.end(body)
    })
  }
}

/** One server's templates and clones. */
export class IsolatedServer {
  /** Templates that were seen finished: a claim hears soon enough where one is gone. */
  readonly #finished = new Set<string>()

  constructor(
    readonly client: IsolationClient,
    readonly path: string,
    /** PostgreSQL's major version, which content hashes hold. */
    readonly major: number,
  ) {}

  /**
   * The template of this hash, made by `fill` where there is none: once, however many processes ask. With `ofRun` it
   * is dropped at the end of the run.
   * @throws what `fill` threw, in the process that ran it; the template is gone then, and the next one tries again.
   */
  async template(hash: string, fill: Fill, { ofRun = false } = {}): Promise<void> {
    if (!this.#finished.has(hash)) await this.#finish(hash, fill, ofRun)
    this.#finished.add(hash)
  }

  async #finish(hash: string, fill: Fill, ofRun: boolean): Promise<void> {
    for (let left = TRIES; ; left--) {
      const database = await this.#begin(hash, ofRun)
      if (database) {
        try {
          await fill(database)
          await this.#call('PUT', hash)
        } catch (error) {
          // Others wait for it as long as this process lives.
          await this.#call('DELETE', hash).catch(() => {})
          throw error
        }
        return
      }
      try {
        // Somebody else fills it, or it is there.
        await this.#call('GET', hash)
        return
      } catch (error) {
        if (left === 1 || !isGone(error)) throw error
      }
    }
  }

  /** A clone that nobody else gets, until it is given back. */
  async claim(hash: string): Promise<Given> {
    try {
      const { id, database } = await this.#call('GET', hash, `/tests?holder=${HOLDER}`)
      return { id, database: database.config }
    } catch (error) {
      this.#finished.delete(hash)
      throw error
    }
  }

  /** Gives a clone back: `unchanged` to be handed out again, else it is dropped. */
  async giveBack(hash: string, id: number, state: 'unchanged' | 'changed'): Promise<void> {
    await this.#call('POST', hash, `/tests/${id}/${state === 'changed' ? 'recreate' : 'unlock'}`)
  }

  /** Lets it stay for people to look at. */
  async keep(hash: string, id: number, about: { suite?: string; test?: string }): Promise<void> {
    await this.#call('POST', hash, `/tests/${id}/keep`, about)
  }

  /** A new template to fill; undefined where there is one already. */
  async #begin(hash: string, ofRun: boolean): Promise<DatabaseAddress | undefined> {
    try {
      const { database } = await this.client.call('POST', `${this.path}/templates`, {
        hash,
        builder: thisProcess(),
        ...(ofRun ? { ofRun } : {}),
      })
      return database.config
    } catch (error) {
      if (error instanceof IsolationError && error.status === 423) return undefined
      throw error
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: what comes is known by its path
  #call(method: string, hash: string, rest = '', body?: object): Promise<any> {
    return this.client.call(
      method,
      `${this.path}/templates/${encodeURIComponent(hash)}${rest}`,
      body ?? (method === 'POST' ? {} : undefined),
    )
  }
}

/** The template was discarded, or its builder died. */
export const isGone = (error: unknown): boolean =>
  error instanceof IsolationError && (error.status === 410 || error.status === 404)
