import { childOf } from '../../io/clock.js'
import { checkSignal, onAbort } from '../aborts.js'
import { pauseAfter, Sleepers } from '../again.js'
import { type Told, told } from '../told.js'
import type { SoundClient } from './client.js'
import { aborted, exhausted, gone, late } from './failures.js'
import type { PoolInternals } from './internals.js'
import type { Settings } from './settings.js'
import type { PoolEvents, PoolState } from './types.js'
import { mayBeTls, type Route } from './ways.js'

export type Take = (error: Error | undefined, client?: SoundClient) => void

/** What asking needs of the pool. */
export interface Source {
  readonly name: string
  readonly settings: Settings
  readonly route: Route
  readonly internals: PoolInternals
  /** pg-pool's own `connect`. */
  ask(take: Take): void
  state(): PoolState
  tell<K extends 'retry' | 'exhausted'>(event: K, ...about: PoolEvents[K]): void
}

/** Those who ask for a client: each waits, tries again and leaves in time. */
export class Askers {
  readonly #sleepers = new Sleepers()
  /** Those who rest between attempts, in their order. */
  readonly #line = new Set<(client: SoundClient) => void>()
  #count = 0
  #ended = false
  #quiet: (() => void) | undefined
  /** Why the last attempt to connect failed, if nothing has worked since. */
  #lastFailure: Told | undefined

  constructor(private readonly source: Source) {}

  get ended(): boolean {
    return this.#ended
  }

  /** `admitted`: it was let in before the end. */
  async acquire(signal?: AbortSignal, admitted = false): Promise<SoundClient> {
    if (this.#ended && !admitted) throw gone(this.source.name)
    if (signal) checkSignal(signal)
    this.enter()
    try {
      return await this.#obtain(signal)
    } finally {
      this.leave()
    }
  }

  /** One more is let in, whom the end waits for. */
  enter(): void {
    this.#count++
  }

  leave(): void {
    this.#count--
    if (this.#count === 0) this.#quiet?.()
  }

  connected(failure?: Told): void {
    this.#lastFailure = failure
    if (!failure) this.#sleepers.wake()
  }

  /** A pause before something is repeated; a success of anybody ends it. */
  async pause(error: Error, attempt: number, delayMillis: number, signal?: AbortSignal): Promise<void> {
    this.source.tell('retry', { error, attempt, delayMillis })
    try {
      await this.#sleepers.sleep(delayMillis, undefined, signal)
    } catch {
      throw aborted(signal as AbortSignal)
    }
  }

  /** The same, in which one that comes back to the pool is taken. */
  #rest(
    error: Told,
    attempt: number,
    delayMillis: number,
    signal?: AbortSignal,
  ): Promise<SoundClient | undefined> {
    const nap = childOf(signal)
    return new Promise((resolve, reject) => {
      const take = (client: SoundClient) => {
        resolve(client)
        nap.abort(undefined)
      }
      this.#line.add(take)
      this.pause(error, attempt, delayMillis, nap.signal)
        .then(() => resolve(undefined), reject)
        .finally(() => {
          this.#line.delete(take)
          nap.clear()
        })
    })
  }

  /** Gives a client that works, and is still checked out, to the first who rests. */
  handOn(client: SoundClient, give: SoundClient['release']): boolean {
    const [first] = this.#line
    if (!first) return false
    this.#line.delete(first)
    client.release = give
    first(client)
    return true
  }

  /** Does it answer? Where one does not, others that were idle as long are not asked. */
  async #proves(client: SoundClient, until: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (client.doubt) return false
    let stop = () => {}
    const cut = new Promise<boolean>(resolve => {
      const timer = setTimeout(resolve, until - performance.now(), false)
      const unheard = onAbort(signal, () => resolve(false))
      stop = () => {
        clearTimeout(timer)
        unheard()
      }
    })
    const answers = client.validate().then(
      () => true,
      () => false,
    )
    const sound = await Promise.race([answers, cut])
    stop()
    if (sound) return true
    client.worn ??= 'it failed its validation'
    if (signal?.aborted) return false
    const { internals, settings } = this.source
    for (const other of internals._idle as { client: SoundClient }[])
      if (!isFresh(other.client, settings))
        other.client.worn ??= 'another one that was idle as long did not answer'
    return false
  }

  /** Nobody else is let in. Resolves when those who asked before have their answer. */
  async end(): Promise<void> {
    this.#ended = true
    this.#sleepers.wake()
    if (this.#count === 0) return
    await new Promise<void>(resolve => {
      this.#quiet = resolve
    })
  }

  async #obtain(signal?: AbortSignal): Promise<SoundClient> {
    const { settings, route } = this.source
    const began = performance.now()
    const until = began + Math.min(settings.acquireTimeoutMillis, settings.connectDeadlineMillis)
    let last: Told | undefined
    for (let tries = 1; ; ) {
      try {
        const client = await this.#checkout(began + settings.acquireTimeoutMillis, signal, last)
        if (isFresh(client, settings) || (await this.#proves(client, until, signal))) return client
        client.release(true)
        if (signal?.aborted) throw aborted(signal)
      } catch (error) {
        last = told(error, { driver: 'pg', phase: 'connect' })
        // As libpq: without TLS, or with it, at once.
        if (mayBeTls(last) && route.way.second) continue
        const attempt = Math.ceil(tries / route.round)
        const round = tries++ % route.round === 0
        if (!mayConnectAgain(last) || (round && attempt >= settings.connectAttempts)) throw last
        if (!round) continue
        const left = Math.max(0, until - performance.now())
        const client = await this.#rest(last, attempt, Math.min(pauseAfter(attempt, settings), left), signal)
        if (client) return client
        if (this.#ended || performance.now() >= until) throw last
      }
    }
  }

  /** One from pg-pool, or the reason why there was none in time. */
  #checkout(until: number, signal: AbortSignal | undefined, last: Told | undefined): Promise<SoundClient> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted(signal))
      let open = true
      const close = () => {
        open = false
        clearTimeout(timer)
        unheard()
      }
      const take: Take = (error, client) => {
        // Whoever asked is gone: the next in the queue takes it.
        if (!open) return void client?.release()
        close()
        if (error) reject(error)
        else resolve(client as SoundClient)
      }
      const leave = (why: () => Error) => {
        close()
        const error = why()
        this.#unqueue(take)
        reject(error)
      }
      const stop = () => leave(() => aborted(signal as AbortSignal))
      const timer = setTimeout(() => leave(() => this.#late(take, last)), until - performance.now())
      const unheard = onAbort(signal, stop)
      this.source.ask(take)
    })
  }

  #placeOf(take: Take): number {
    return this.source.internals._pendingQueue.findIndex(({ callback }) => (callback as unknown) === take)
  }

  #unqueue(take: Take): void {
    const at = this.#placeOf(take)
    if (at >= 0) this.source.internals._pendingQueue.splice(at, 1)
  }

  #late(take: Take, last: Told | undefined): Told {
    const { name, settings } = this.source
    const state = this.source.state()
    const ms = settings.acquireTimeoutMillis
    const cause = last ?? this.#lastFailure
    if (this.#placeOf(take) < 0 || state.used === 0) return last ?? late(name, ms, cause)
    this.source.tell('exhausted', state)
    return exhausted(state, ms, cause)
  }
}

/** Needs no proof that it works. */
export const isFresh = (client: SoundClient, { validateAfterMillis }: Settings): boolean =>
  performance.now() - client.heardAt < validateAfterMillis && client.doubt === undefined

/** On the way to a session nothing was done yet: again, by the table, and where another host may do. */
function mayConnectAgain({ holdfast: { reason, retry, phase } }: Told): boolean {
  if (phase === 'acquire') return false
  return retry === 'yes' || reason === 'connection-lost' || reason === 'read-only'
}

/** For what reads, or may run twice. */
export const mayRepeat = ({ holdfast: { reason, retry, phase } }: Told): boolean =>
  phase !== 'acquire' &&
  (retry === 'yes' || /^(connection-lost|read-only|transaction-conflict)$/.test(reason))
