import { type Attempt, type Link, LinkError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { systemClock } from '../../io/clock.js'
import { beginsAnswer, HttpSyntaxError, post, readBody, readHead } from '../../wire/http.js'
import { mismatch } from '../mismatch.js'
import { authority } from '../web.js'
import type { Answer } from './answer.js'

/**
 * As much of a result as is kept, twice what a server holds back before it says the status; it stops when the
 * connection closes.
 */
const MAX_RESULT = 1 << 21

/** How long the attempt may be outlived by what ends its statement, in milliseconds. */
const KILL_MS = 1000

/**
 * Statements one after the other, over a connection that the server keeps alive. What it closes because nobody asked
 * for a while is opened again when it is needed; any other end is the end of the server.
 */
export class Exchange {
  readonly closed: Promise<void>
  #end: () => void = () => {}
  #link: Link | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #answeredAt = 0
  /** How long the server keeps an idle connection, in milliseconds; unknown where it does not say. */
  #keptMs = Number.POSITIVE_INFINITY
  #over = false

  constructor(
    readonly target: Target,
    readonly attempt: Attempt,
  ) {
    this.closed = new Promise(resolve => {
      this.#end = resolve
    })
  }

  /** The connection of the last answer, while it is kept. */
  get link(): Link | undefined {
    return this.#link
  }

  async connect(attempt = this.attempt, options?: { quiet: boolean }): Promise<Link> {
    const link = await attempt.connect(options)
    this.#link = link
    void link.closed.then(() => {
      if (this.#link !== link) return
      if (this.#idledOut()) this.#link = undefined
      else this.#end()
    })
    if (this.target.tls.mode !== 'disable' && link.address !== 'unix')
      await attempt.step('tls', () => link.startTls())
    return link
  }

  /** The answer to a statement, whatever it is. Parameters go into the URL. */
  ask(statement: string, parameters: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const turn = this.#turn.then(() => this.#ask(statement, parameters))
    this.#turn = turn.catch(() => {})
    return turn
  }

  async #ask(statement: string, parameters: Readonly<Record<string, string>>): Promise<Answer> {
    if (this.#over) throw new LinkError('the session was closed')
    if (this.#idledOut()) this.#drop()
    try {
      const link = this.#link ?? (await this.connect(silent(this.attempt), { quiet: true }))
      link.write(post(pathOf(this.target, parameters), headersOf(this.target), statement))
      const first = await link.peek()
      if (!beginsAnswer(first)) throw this.#mismatch(first)
      return await this.#receive(link, first)
    } catch (error) {
      this.#end()
      throw error
    }
  }

  #mismatch(first: Uint8Array): Error {
    return mismatch('ClickHouse', first, { told: this.target.password !== undefined })
  }

  async #receive(link: Link, first: Uint8Array): Promise<Answer> {
    try {
      const head = await readHead(link)
      const { bytes, end } = await readBody(link, head, MAX_RESULT)
      const timeout = /\btimeout=(\d{1,6})\b/.exec(head.headers.get('keep-alive') ?? '')?.[1]
      this.#keptMs = timeout ? Number(timeout) * 1000 : Number.POSITIVE_INFINITY
      this.#answeredAt = systemClock.now()
      if (!head.persistent || end !== 'whole') this.#drop()
      if (end === 'lost' && bytes.length === 0) throw new LinkError('the answer broke off')
      return { head, text: new TextDecoder().decode(bytes), end }
    } catch (error) {
      throw error instanceof HttpSyntaxError ? this.#mismatch(first) : error
    }
  }

  /**
   * Ends a statement, by its query_id, that nobody waits for any more: the server would go on with it. What failed by
   * itself is not running. Resolves when the server took it, or after a second; never rejects.
   */
  async kill(id: string): Promise<void> {
    const { attempt, target } = this
    if (!attempt.signal.aborted) return
    let link: Link | undefined
    try {
      link = await attempt.connect({ quiet: true, lastMs: KILL_MS })
      if (target.tls.mode !== 'disable' && link.address !== 'unix') await link.startTls()
      link.write(post(pathOf(target, {}), headersOf(target), `KILL QUERY WHERE query_id = '${id}' ASYNC`))
      await readHead(link)
    } catch {
      // A user may lack the right to, and the server has limits of its own.
    } finally {
      link?.close()
    }
  }

  #idledOut(): boolean {
    return systemClock.now() - this.#answeredAt >= this.#keptMs * 0.9
  }

  #drop(): void {
    const link = this.#link
    this.#link = undefined
    link?.close()
  }

  close(): void {
    this.#over = true
    this.#drop()
    this.#end()
  }
}

/** A connection that is opened again is no step of the probe. */
const silent = (attempt: Attempt): Attempt => ({
  signal: attempt.signal,
  connect: options => attempt.connect(options),
  step: (_, work) => work(),
})

function pathOf({ database, params }: Target, more: Readonly<Record<string, string>>): string {
  const named = database ?? params.get('database')?.reveal()
  const pairs = Object.entries({ ...(named ? { database: named } : {}), ...more })
  const query = pairs.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&')
  return query ? `/?${query}` : '/'
}

function headersOf(target: Target): Record<string, string> {
  const user = target.user ?? target.params.get('username')?.reveal()
  const password = target.password?.reveal()
  return {
    host: authority(target),
    'user-agent': 'holdfast',
    ...(user === undefined && password === undefined ? {} : credentials(user ?? 'default', password ?? '')),
  }
}

/** Headers of ClickHouse's own, for a name may hold a colon; Basic for what a header cannot hold. */
function credentials(user: string, password: string): Record<string, string> {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no header holds them
  if (![user, password].some(text => /^\s|\s$|[\x00-\x1f\x7f]/.test(text)))
    return { 'x-clickhouse-user': user, 'x-clickhouse-key': password }
  const bytes = new TextEncoder().encode(`${user}:${password}`)
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` }
}
