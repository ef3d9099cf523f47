import { sqlLiteral } from '../core/quoting.js'
import { ident, runName } from './names.js'
import { newRecord, type OwnerRecord } from './record.js'
import type { Server, Urgency } from './server.js'
import { comment, dropStatements, type Source } from './template.js'

/** Makes and drops the clones of one manager, and counts them. */
export class Clones {
  readonly #leaving = new Set<string>()
  /** What could not be dropped, and why: tried again at the end. */
  readonly #stuck = new Map<string, unknown>()
  readonly #making = new Set<Promise<unknown>>()
  #dropping: Promise<void> | undefined
  #made = 0
  #count = 0

  constructor(
    readonly server: Server,
    readonly run: string,
    /** How many there may be at the same time. */
    readonly most: number,
  ) {}

  /** Those that are there or in the making, and those that wait to be dropped. */
  get full(): boolean {
    return this.#count >= this.most
  }

  /** A copy, by the quickest way that this server has, with the database settings that copies lack. */
  make(source: Source, urgency: Urgency): Promise<{ id: number; name: string }> {
    const making = this.#make(source, urgency)
    this.#making.add(making)
    const done = () => this.#making.delete(making)
    making.then(done, done)
    return making
  }

  async #make({ name: template, settings }: Source, urgency: Urgency): Promise<{ id: number; name: string }> {
    const id = ++this.#made
    const name = runName('c', this.run, id)
    this.#count++
    const { major, fsync } = this.server.about
    const strategy = major >= 15 ? ` STRATEGY ${fsync ? 'wal_log' : 'file_copy'}` : ''
    try {
      await this.server.run(
        [
          `CREATE DATABASE ${ident(name)} TEMPLATE ${ident(template)}${strategy}`,
          comment(name, newRecord('clone', this.run, name)),
          ...settings.map(setting => `ALTER DATABASE ${ident(name)} SET ${setting}`),
        ],
        urgency,
      )
      return { id, name }
    } catch (error) {
      // Whether it is there after a broken connection only the server knows.
      this.drop(name)
      throw error
    }
  }

  /** Drops it in the background, once nobody is connected to it any more. */
  drop(name: string): void {
    this.#leaving.add(name)
    this.tidy()
  }

  /** Looks again at what could not be dropped. */
  tidy(): void {
    this.#dropping ??= this.#dropUnused()
      .catch(() => {})
      .finally(() => {
        this.#dropping = undefined
      })
  }

  /** Lets it stay, with who failed in it. */
  async keep(name: string, about: { suite?: string; test?: string }): Promise<void> {
    const record: OwnerRecord = { ...newRecord('clone', this.run, name), kept: { at: Date.now(), ...about } }
    await this.server.run([comment(name, record)])
    this.#count--
  }

  /** Drops what is left, connected or not. Resolves with what stays, and why. */
  async close(names: readonly string[]): Promise<ReadonlyMap<string, unknown>> {
    await Promise.allSettled(this.#making)
    await this.#dropping
    const all = new Set([...names, ...this.#leaving, ...this.#stuck.keys()])
    this.#leaving.clear()
    this.#stuck.clear()
    await Promise.all([...all].map(name => this.#drop(name, 'claim')))
    return this.#stuck
  }

  async connected(names: readonly string[]): Promise<Set<string>> {
    if (names.length === 0) return new Set()
    const list = names.map(sqlLiteral).join(', ')
    const query = `SELECT string_agg(DISTINCT datname, ',') FROM pg_stat_activity WHERE datname IN (${list})`
    const [[row] = []] = await this.server.run([query], 'background')
    return new Set(row?.[0]?.split(','))
  }

  async #dropUnused(): Promise<void> {
    for (;;) {
      const names = [...this.#leaving]
      const busy = await this.connected(names)
      const unused = names.filter(name => !busy.has(name))
      if (unused.length === 0) return
      for (const name of unused) {
        await this.#drop(name, 'background')
        this.#leaving.delete(name)
        this.#count--
      }
    }
  }

  /** One that something holds, like a prepared transaction, holds up no other. */
  async #drop(name: string, urgency: Urgency): Promise<void> {
    try {
      await this.server.run(dropStatements(this.server, name), urgency)
    } catch (error) {
      this.#stuck.set(name, error)
    }
  }
}
