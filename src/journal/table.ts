import { classifyTransport } from '../core/classify.js'
import { HoldfastError } from '../core/errors.js'
import { reasonOf } from '../core/reasons.js'
import { plain } from '../core/redact.js'
import type { Row, Session } from '../core/service.js'
import type { Finding } from '../core/verdict.js'
import { type Clock, clearTimeout, setTimeout, systemClock } from '../io/clock.js'
import { untilAborted } from '../io/resolve.js'
import type { Entry } from './entry.js'
import { type FileJournal, recordOf } from './file.js'
import type { Journal, JournalOptions } from './journal.js'
import type { Table } from './place.js'
import { EXISTS, insertion, MAKE } from './sql.js'

/** How long the first batch is tried, and a later one, with all that heals in between, in milliseconds. */
const FIRST_MS = 2000
const LATER_MS = 5000
/** What keeps failing although sessions open in between is no matter of trying again. */
const ROUNDS = 5
/** As many records as one statement takes. */
const BATCH = 500
/** An idle session is closed after this, in milliseconds: it would keep the process from ending. */
const IDLE_MS = 500

interface Waiting {
  readonly record: Entry
  readonly done: (kept: boolean) => void
}

/**
 * A table in PostgreSQL. What is appended while a statement runs becomes the next one. Once the table cannot be
 * reached, this process's records go to a file.
 */
export class TableJournal implements Journal {
  #waiting: Waiting[] = []
  #session: Session | undefined
  #made = false
  #reached = false
  #lost = false
  #working: Promise<void> | undefined
  #idle: NodeJS.Timeout | undefined

  constructor(
    readonly place: Table,
    readonly options: Required<Pick<JournalOptions, 'open' | 'warn'>> & { readonly clock?: Clock },
    readonly fallback: FileJournal,
  ) {}

  append(entry: Entry): Promise<boolean> {
    const record = recordOf(entry)
    if (!record) return Promise.resolve(false)
    if (this.#lost) return this.fallback.append(record)
    return new Promise(done => {
      this.#waiting.push({ record, done })
      this.#working ??= this.#work()
    })
  }

  async close(): Promise<void> {
    await this.#working
    await this.#end()
  }

  async #work(): Promise<void> {
    clearTimeout(this.#idle)
    // Whatever is appended in the same turn belongs to the first batch.
    await undefined
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH)
      const kept = !this.#lost && (await this.#store(batch.map(one => one.record)))
      for (const { record, done } of batch) done(kept || this.fallback.appendSync(record))
    }
    this.#working = undefined
    this.#idle = setTimeout(() => void this.#end(), IDLE_MS)
  }

  async #store(records: readonly Entry[]): Promise<boolean> {
    const clock = this.options.clock ?? systemClock
    const end = clock.now() + (this.#reached ? LATER_MS : FIRST_MS)
    for (let round = 1; ; round++) {
      try {
        this.#session ??= await this.options.open(this.place.url.reveal(), Math.max(1, end - clock.now()))
        if (!this.#made) await this.#make(this.#session, end)
        await ask(this.#session, insertion(records), Math.max(1, end - clock.now()), clock)
        this.#reached = true
        return true
      } catch (error) {
        await this.#end()
        const finding = findingOf(error)
        // Dropped since: it is made again.
        const again = finding.code === '42P01' && this.#made
        this.#made = false
        if ((again || heals(error, finding)) && round < ROUNDS && clock.now() < end) continue
        this.#lost = true
        this.options.warn(
          `the journal ${this.place.address} cannot be written (${finding.reason}: ${plain(finding.message, 200)}); the records of process ${process.pid} go to ${this.fallback.place.path}`,
        )
        return false
      }
    }
  }

  /** A role without the right to create may write to a table that is there. */
  async #make(session: Session, end: number): Promise<void> {
    const clock = this.options.clock ?? systemClock
    const [row] = await ask(session, EXISTS, Math.max(1, end - clock.now()), clock)
    if (row?.[0] !== 't') await ask(session, MAKE, Math.max(1, end - clock.now()), clock)
    this.#made = true
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle)
    const session = this.#session
    this.#session = undefined
    await session?.close().catch(() => {})
  }
}

/** Opening has waited for what heals, by the table; a session that broke is followed by another one. */
const heals = (error: unknown, { reason }: Finding): boolean =>
  !HoldfastError.is(error) && reasonOf(reason).heals !== 'never'

const findingOf = (error: unknown): Finding =>
  HoldfastError.is(error) && error.verdict ? error.verdict.finding : classifyTransport(error)

/** One question under a deadline; a session that let it pass must be closed. */
export async function ask(
  session: Session,
  text: string,
  ms: number,
  clock: Clock = systemClock,
): Promise<readonly Row[]> {
  const limit = clock.deadline(ms)
  try {
    return (await untilAborted(session.query?.(text) ?? Promise.resolve([]), limit.signal)) ?? []
  } finally {
    limit.clear()
  }
}
