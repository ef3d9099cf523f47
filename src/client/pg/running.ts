import type pg from 'pg'
import { formatMs } from '../../core/options.js'
import { onAbort } from '../aborts.js'
import { failure, retold, type Told } from '../told.js'
import { cancelOnServer } from './cancel.js'
import type { ClientInternals } from './internals.js'
import { mayHaveCommitted, phaseOf, type SentQuery } from './query.js'

export type Settle = (error: Error | null | undefined, result?: pg.QueryResult) => void

/** How long the answer to a cancelled statement is waited for; then nobody knows what became of it. */
const CANCELLED_MS = 1000

/** What a statement that was cut short came to: the server says that it cancelled it, or says nothing. */
type Fate = 'rejected' | 'unknown'

/** The client that it runs on. */
export interface Runner extends pg.Client {
  readonly way: { readonly config: pg.ClientConfig }
  readonly readyAt: number | undefined
  readonly inTransaction: boolean
  worn: string | undefined
  heardAt: number
  destroy(error: Error): void
  settled(running: Running): void
  /** Sends nothing more until this has resolved. */
  holding(cancelled: Promise<void>): Promise<void>
  tell(error: Error, query: SentQuery): Told
}

/** A statement under way, until it is answered, late or aborted. */
export class Running {
  #settled = false
  readonly #unheard: () => void
  #why: ((fate: Fate) => Told) | undefined
  #cancelled: Promise<void> | undefined
  #grace: NodeJS.Timeout | undefined

  constructor(
    private readonly client: Runner,
    private readonly query: SentQuery,
    /** Milliseconds; 0 is no limit. */
    private readonly limit: number,
    private readonly signal: AbortSignal | undefined,
    private readonly settle: Settle,
    /** On the scale of performance.now(). */
    readonly endsAt: number,
  ) {
    query.callback = (error, result) => this.#answered(error, result)
    this.#unheard = onAbort(signal, this.#abort)
  }

  late(): void {
    this.#cut(fate => {
      const what =
        fate === 'unknown' ? 'may still take effect' : this.query.sent ? 'was cancelled' : 'was not sent'
      return this.#short(
        fate,
        `no answer within ${formatMs(this.limit)} (query_timeout); the statement ${what}`,
        '57014',
      )
    })
  }

  readonly #abort = (): void => this.#cut(fate => this.aborted(fate))

  aborted(fate: Fate): Told {
    const what = fate === 'unknown' ? 'may still take effect' : 'had no effect'
    return this.#short(fate, `aborted by its signal; the statement ${what}`, 'ABORT_ERR', this.signal?.reason)
  }

  #cut(why: (fate: Fate) => Told): void {
    if (this.#why || this.#settled) return
    this.#why = why
    const { client, query } = this
    const queue = (client as unknown as ClientInternals)._queryQueue
    const at = queue.indexOf(query)
    if (at >= 0) {
      queue.splice(at, 1)
      this.#end(why('rejected'))
      return
    }
    client.worn ??= 'a statement of its was cut short'
    this.#grace = setTimeout(() => {
      const error = why('unknown')
      client.destroy(error)
      this.#end(error)
    }, CANCELLED_MS)
    // A cancel request on its way would hit what is sent next.
    this.#cancelled = client.holding(cancelOnServer(client, client.way.config))
  }

  #answered(error: Error | null | undefined, result: pg.QueryResult | undefined): void {
    this.client.heardAt = performance.now()
    if (this.#cancelled) void this.#cancelled.then(() => this.#conclude(error, result))
    else this.#conclude(error, result)
  }

  #conclude(error: Error | null | undefined, result: pg.QueryResult | undefined): void {
    if (!error) this.#end(null, result)
    else if (this.#why && (error as { code?: string }).code === '57014')
      this.#end(Object.assign(this.#why('rejected'), { cause: error }))
    else this.#end(this.client.tell(error, this.query))
  }

  #end(error: Error | null, result?: pg.QueryResult): void {
    if (this.#settled) return
    this.#settled = true
    clearTimeout(this.#grace)
    this.#unheard()
    this.client.settled(this)
    this.settle(error, result)
  }

  #short(fate: Fate, message: string, code: string, cause?: unknown): Told {
    const about = { driver: 'pg', ...(cause === undefined ? {} : { cause }) } as const
    if (this.client.readyAt === undefined)
      return failure('connect-timeout', message, { ...about, code: 'ETIMEDOUT', phase: 'connect' })
    const sent = this.query.sent && fate === 'unknown'
    const error = failure('statement-timeout', message, { ...about, code, phase: phaseOf(this.query), sent })
    if (!this.query.sent || sent) return error
    const { text, inside } = { text: this.query.text, inside: this.client.inTransaction }
    return retold(error, mayHaveCommitted(text, inside) ? 'unknown' : 'rejected')
  }
}

/** An error of a query that was aborted before it began. */
export const neverBegan = (signal: AbortSignal): Told =>
  failure('statement-timeout', 'aborted by its signal; the statement was not sent', {
    ...({ driver: 'pg', code: 'ABORT_ERR', phase: 'statement', sent: false } as const),
    cause: signal.reason,
  })
