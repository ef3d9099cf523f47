import type { Aim } from '../gate/outcome.js'
import { childOf, systemClock } from '../io/clock.js'
import type { Owner } from '../io/owner.js'
import { untilAborted } from '../io/resolve.js'
import { Clones } from './clones.js'
import { abandoned, discarded, type Entry, newEntry } from './entry.js'
import { IsolationError, staying } from './errors.js'
import { newRun } from './names.js'
import type { ManagerOptions } from './options.js'
import { type Clone, Pool } from './pool.js'
import { Server } from './server.js'
import { sweep } from './sweep.js'
import { Template } from './template.js'

const [POOL, MOST] = [8, 64]

/** IntegreSQL's default. */
const CLAIM_MS = 60_000

/** How often a claim that waits for a template looks whether its builder still lives, in milliseconds. */
const LOOK_MS = 250

/** Templates and clones on one PostgreSQL server, for one run of tests. */
export class Manager {
  readonly #entries = new Map<string, Entry>()
  readonly #clones: Clones
  readonly #run = newRun()
  readonly #swept: Promise<void>
  /** What still happens to templates: the end waits for it. */
  readonly #work = new Set<Promise<unknown>>()
  readonly #over = new AbortController()
  #closing: Promise<void> | undefined

  private constructor(
    readonly server: Server,
    readonly options: ManagerOptions,
  ) {
    this.#clones = new Clones(server, this.#run, options.most ?? MOST)
    this.#swept = options.ours
      ? Promise.resolve()
      : sweep(server).then(
          () => {},
          () => {},
        )
  }

  /** @throws HoldfastError where no database may, or can, be made. */
  static async open(aim: Aim, options: ManagerOptions = {}): Promise<Manager> {
    return new Manager(await Server.open(aim, options.allowRemote), options)
  }

  /**
   * A new empty template, which the caller has to fill and to finalize. Throws 423 where it is there, or somebody
   * else fills it. With `ofRun` it is dropped at the end.
   */
  async initialize(hash: string, builder?: Owner, ofRun = false): Promise<string> {
    this.#checkOpen()
    const there = this.#entries.get(hash)
    if (there && abandoned(there)) await this.discard(hash)
    else if (there) throw new IsolationError(423, 'template is already initialized')
    const entry = newEntry(hash, builder, ofRun)
    this.#entries.set(hash, entry)
    try {
      const { template, finished } = await this.#during(
        Template.open(this.server, hash, { run: this.#run, ofRun }, this.#over.signal),
      )
      entry.template = template
      if (entry.state === 'gone') {
        await this.#during(template.discard())
        throw discarded()
      }
      if (finished) this.#start(entry, template)
      else entry.state = 'building'
      void template.session.closed.then(() => this.#lost(entry))
    } catch (error) {
      if (this.#entries.get(hash) === entry) this.#entries.delete(hash)
      entry.reject(error)
      throw error
    }
    if (entry.state === 'ready') throw new IsolationError(423, 'template is already initialized')
    return entry.template.name
  }

  /** It is filled: copies may be made. Nothing happens to one that is ready. */
  async finalize(hash: string): Promise<void> {
    const entry = this.#entry(hash)
    if (entry.state === 'ready') return
    if (entry.state !== 'building' || !entry.template)
      throw new IsolationError(404, 'template not found: nobody fills it here')
    await this.#during(entry.template.finish())
    if (entry.state === 'building') this.#start(entry, entry.template)
  }

  /** Its content is wrong: whoever waits for it hears 410, and the next `initialize` makes it anew. */
  async discard(hash: string): Promise<void> {
    const entry = this.#entry(hash)
    this.#forget(entry)
    if (entry.template) await this.#during(entry.template.discard())
  }

  /** Resolves when the template is ready. */
  async ready(hash: string, signal?: AbortSignal): Promise<void> {
    await this.#ready(this.#entry(hash), signal)
  }

  /**
   * A clone that nobody else gets. One whose holder is not known, or dead, may be dropped when there may be no more
   * databases, once nobody is connected to it: IntegreSQL's clients give nothing back.
   */
  async claim(hash: string, holder?: Owner, signal?: AbortSignal): Promise<Clone> {
    const entry = this.#entry(hash)
    if (entry.state !== 'ready') await this.#ready(entry, signal)
    if (!entry.pool) throw discarded()
    const limit = systemClock.deadline(this.#claimMs, signal)
    try {
      return await entry.pool.claim(holder, limit.signal)
    } catch (error) {
      if (error !== limit.signal.reason || signal?.aborted) throw error
      throw new IsolationError(
        503,
        `no database came free within ${this.#claimMs / 1000} s: ${this.#clones.most} are in use. Give them back, or close the connections of finished tests.`,
      )
    } finally {
      limit.clear()
    }
  }

  unlock(hash: string, id: number): void {
    this.#pool(hash).unlock(id)
  }

  recreate(hash: string, id: number): void {
    this.#pool(hash).recreate(id)
  }

  keep(hash: string, id: number, about: { suite?: string; test?: string } = {}): Promise<string> {
    return this.#pool(hash).keep(id, about)
  }

  /** Discards every template that this manager knows. */
  async reset(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map(hash => this.discard(hash)))
  }

  /** Drops what was made, but for what is kept, and ends all sessions. Says what cannot be dropped, and never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const why = new IsolationError(503, 'isolation has ended')
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    this.#over.abort(why)
    const names = entries.flatMap(entry => {
      entry.reject(why)
      return entry.pool?.close(why) ?? []
    })
    try {
      if (this.options.ours) return
      await Promise.allSettled([...this.#work, this.#swept])
      const stuck = new Map(await this.#clones.close(names))
      const drop = this.options.templates === 'drop'
      const leaving = async ({ state, template, ofRun }: Entry) => {
        if (!template) return
        const left = state === 'ready' ? template.leave(drop || ofRun) : template.discard()
        await left.catch(error => stuck.set(template.name, error))
      }
      await Promise.all(entries.map(leaving))
      if (stuck.size > 0) this.options.say?.(staying(stuck))
    } finally {
      await Promise.allSettled(entries.map(({ template }) => template?.session.close()))
      await this.server.close().catch(() => {})
    }
  }

  #checkOpen(): void {
    if (this.#closing) throw new IsolationError(503, 'isolation has ended')
  }

  #entry(hash: string): Entry {
    this.#checkOpen()
    const entry = this.#entries.get(hash)
    if (!entry) throw new IsolationError(404, 'template not found')
    return entry
  }

  #pool(hash: string): Pool {
    const { pool } = this.#entry(hash)
    if (!pool) throw new IsolationError(404, 'test database not found')
    return pool
  }

  #start(entry: Entry, template: Template): void {
    entry.state = 'ready'
    entry.pool = new Pool(this.#clones, template, {
      size: this.options.pool ?? POOL,
      spare: () => [...this.#entries.values()].some(other => other !== entry && other.pool?.spare()),
      onGone: () => this.#lost(entry),
    })
    entry.resolve()
  }

  /** Its lock's session ended, or it was dropped by others: it cannot be relied on any more. */
  #lost(entry: Entry): void {
    if (this.#closing || this.#entries.get(entry.hash) !== entry) return
    this.#forget(entry)
    void entry.template?.session.close()
  }

  #forget(entry: Entry): void {
    entry.state = 'gone'
    if (this.#entries.get(entry.hash) === entry) this.#entries.delete(entry.hash)
    entry.reject(discarded())
    for (const name of entry.pool?.close(discarded()) ?? []) this.#clones.drop(name)
  }

  get #claimMs(): number {
    return this.options.claimMs ?? CLAIM_MS
  }

  /** As long as whoever fills it lives, where that is known. */
  async #ready(entry: Entry, signal?: AbortSignal): Promise<void> {
    const limit = entry.builder ? childOf(signal) : systemClock.deadline(this.#claimMs, signal)
    const watch = setInterval(() => {
      if (abandoned(entry)) void this.discard(entry.hash).catch(() => {})
    }, LOOK_MS)
    try {
      await untilAborted(entry.settled, limit.signal)
    } catch (error) {
      if (error !== limit.signal.reason || signal?.aborted) throw error
      throw new IsolationError(
        503,
        `the template is not finished after ${this.#claimMs / 1000} s. If nobody fills it any more, discard it: DELETE /api/v1/templates/${encodeURIComponent(entry.hash)}`,
      )
    } finally {
      clearInterval(watch)
      limit.clear()
    }
  }

  #during<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work)
    const done = () => this.#work.delete(work)
    work.then(done, done)
    return work
  }
}
