import type { EventEmitter } from 'node:events'
import { mayConnectAgain, pauseAfter } from '../again.js'
import { told } from '../told.js'
import { type Askers, isFresh } from './acquire.js'
import type { SoundClient } from './client.js'
import { gone } from './failures.js'
import type { PoolInternals } from './internals.js'
import type { Settings } from './settings.js'

/** How long connections may take to close when the pool ends. */
const CLOSING_MS = 2000

interface Kept {
  readonly name: string
  readonly settings: Settings
  readonly internals: PoolInternals
  readonly askers: Askers
  /** Every client whose socket may be open. */
  readonly open: ReadonlySet<SoundClient>
}

/** What a pool does unasked: it looks at idle connections, keeps `min` of them, and closes all at its end. */
export class Upkeep {
  readonly #timer: NodeJS.Timeout | undefined
  /** Until `min` is made up. */
  #soon: NodeJS.Timeout | undefined
  #failures = 0

  constructor(private readonly pool: Kept) {
    const { healthCheckMillis, min } = pool.settings
    if (healthCheckMillis > 0) this.#timer = setInterval(() => this.#check(), healthCheckMillis).unref()
    if (min === 0) return
    setImmediate(() => this.#fill())
    ;(pool.internals as unknown as EventEmitter).on('remove', () => this.#fillSoon())
  }

  /** What was asked for before is still answered, within `endTimeoutMillis`; `close` is pg-pool's own end. */
  async end(close: () => Promise<void>): Promise<void> {
    const { name, settings, askers, open } = this.pool
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    const timer = setTimeout(() => this.#destroyAll(), settings.endTimeoutMillis)
    await askers.end()
    // Nobody waits for these any more.
    for (const client of open) if (client.readyAt === undefined) client.destroy(gone(name))
    await close()
    clearTimeout(timer)
    const closing = setTimeout(() => this.#destroyAll(), CLOSING_MS)
    await Promise.all([...open].map(client => new Promise<void>(resolve => client.once('end', resolve))))
    clearTimeout(closing)
  }

  /** Idle connections prove that they are alive, where they lie; one that does not is closed. */
  #check(): void {
    for (const { client } of this.pool.internals._idle as { client: SoundClient }[])
      if (!isFresh(client, this.pool.settings)) client.validate().catch(error => this.#drop(client, error))
    this.#fill()
  }

  #fill(): void {
    const { internals, settings, askers } = this.pool
    const missing = settings.min - internals._clients.length
    for (let i = 0; i < missing && !askers.ended; i++)
      internals.newClient({ callback: (error, client) => this.#filled(error, client as SoundClient) })
  }

  #filled(error: Error | undefined, client: SoundClient): void {
    if (!error) {
      this.#failures = 0
      client.release()
    } else if (mayConnectAgain(told(error, { driver: 'pg', phase: 'connect' }))) {
      if (!this.#soon) this.#failures++
      this.#fillSoon()
    }
  }

  #fillSoon(): void {
    const { askers, settings } = this.pool
    if (this.#soon || askers.ended) return
    const pause = this.#failures > 0 ? pauseAfter(this.#failures, settings) : 0
    this.#soon = setTimeout(() => {
      this.#soon = undefined
      this.#fill()
    }, pause).unref()
  }

  /** pg-pool learns only of errors of idle clients; one that somebody has taken meanwhile is told of when it comes back. */
  #drop(client: SoundClient, error: Error): void {
    const { internals } = this.pool
    client.destroy(error)
    if (internals._idle.some(idle => idle.client === client))
      internals._remove(client, () => internals._pulseQueue())
  }

  #destroyAll(): void {
    const { name, internals, open } = this.pool
    for (const { callback } of internals._pendingQueue.splice(0)) callback(gone(name))
    for (const client of open) client.destroy(gone(name))
    // pg-pool waits for what was never released, also where the connection is lost already.
    for (const client of [...internals._clients] as SoundClient[]) client.revoke()
  }
}
