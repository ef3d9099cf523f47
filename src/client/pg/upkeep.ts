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

  constructor(private readonly pool: Kept) {
    const { healthCheckMillis, min } = pool.settings
    if (healthCheckMillis > 0) this.#timer = setInterval(() => this.#check(), healthCheckMillis).unref()
    if (min > 0) setImmediate(() => this.#fill())
  }

  /** What was asked for before is still answered, within `endTimeoutMillis`; `close` is pg-pool's own end. */
  async end(close: () => Promise<void>): Promise<void> {
    const { name, settings, askers, open } = this.pool
    clearInterval(this.#timer)
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
      if (!isFresh(client, this.pool.settings)) client.validate().catch(error => client.destroy(error))
    this.#fill()
  }

  #fill(): void {
    const { internals, settings, askers } = this.pool
    const missing = settings.min - internals._clients.length
    for (let i = 0; i < missing && !askers.ended; i++)
      internals.newClient({ callback: (_, client) => (client as SoundClient | undefined)?.release() })
  }

  #destroyAll(): void {
    const { name, internals, open } = this.pool
    for (const { callback } of internals._pendingQueue.splice(0)) callback(gone(name))
    for (const client of open) client.destroy(gone(name))
    // pg-pool waits for what was never released, also where the connection is lost already.
    for (const client of [...internals._clients] as SoundClient[]) client.revoke()
  }
}
