import { isDead, type Owner } from '../io/owner.js'
import type { Clones } from './clones.js'
import { codeOf, IsolationError } from './errors.js'
import type { Source } from './template.js'

export interface Clone {
  readonly id: number
  readonly name: string
}

interface Handed extends Clone {
  readonly at: number
  readonly holder: Owner | undefined
}

interface Waiter {
  readonly holder: Owner | undefined
  readonly resolve: (clone: Clone) => void
  readonly reject: (error: unknown) => void
}

export interface PoolOptions {
  /** Clones that are kept ready. */
  readonly size: number
  /** Asks the other pools to give up one that is ready, when there may be no more databases. */
  readonly spare: () => boolean
  /** Hears that the template is gone. */
  readonly onGone: () => void
}

/** Copies that are made at the same time for those who wait. */
const AT_ONCE = 3

/** How long nothing else is made or dropped meanwhile, while enough are ready, in milliseconds. */
const CONNECT_MS = 25

/** How long a clone whose holder gives nothing back is his alone, connected or not, in milliseconds. */
const OWN_MS = 1000
const PRESSED_MS = 100

/** The clones of one template: some ready, the others handed out. */
export class Pool {
  readonly #ready: Clone[] = []
  readonly #handed = new Map<number, Handed>()
  readonly #waiters: Waiter[] = []
  #making = 0
  #claims = 0
  #filling = false
  #pressed: NodeJS.Timeout | undefined
  #closed: IsolationError | undefined

  constructor(
    readonly clones: Clones,
    readonly source: Source,
    readonly options: PoolOptions,
  ) {
    this.#fill()
  }

  /** A clone that is ready, else the next one that is made. A holder will give it back, while he lives. */
  claim(holder: Owner | undefined, signal: AbortSignal): Promise<Clone> {
    if (this.#closed) return Promise.reject(this.#closed)
    this.#claims++
    const ready = this.#ready.shift()
    if (ready) {
      this.#hand(ready, holder)
      this.#hush()
      this.#fill()
      return Promise.resolve(ready)
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(signal.reason)
      }
      const ended =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          signal.removeEventListener('abort', leave)
          settle(value)
        }
      const waiter: Waiter = { holder, resolve: ended(resolve), reject: ended(reject) }
      this.#waiters.push(waiter)
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      this.#serve()
    })
  }

  /** It is as the template is: the next one may have it. */
  unlock(id: number): void {
    const clone = this.#takeBack(id)
    const waiter = this.#waiters.shift()
    if (waiter) this.#answer(waiter, clone)
    else this.#ready.push(clone)
  }

  /** It was changed: another one takes its place. */
  recreate(id: number): void {
    this.#hush()
    this.clones.drop(this.#takeBack(id).name)
    this.#fill()
  }

  async keep(id: number, about: { suite?: string; test?: string }): Promise<string> {
    const { name } = this.#takeBack(id)
    await this.clones.keep(name, about)
    return name
  }

  /** Gives up one that is ready. */
  spare(): boolean {
    const clone = this.#ready.pop()
    if (clone) this.clones.drop(clone.name)
    return clone !== undefined
  }

  /** Whoever waits hears `why`. Resolves with the names of what is left. */
  close(why: IsolationError): string[] {
    this.#closed = why
    clearInterval(this.#pressed)
    for (const waiter of this.#waiters.splice(0)) waiter.reject(why)
    const left = [...this.#ready.splice(0), ...this.#handed.values()].map(clone => clone.name)
    this.#handed.clear()
    return left
  }

  /** Whoever just got a clone connects to it; whoever gave one back mostly takes the next. */
  #hush(): void {
    if (this.#ready.length >= this.options.size / 2) this.clones.server.hush(CONNECT_MS)
  }

  #takeBack(id: number): Clone {
    const clone = this.#handed.get(id)
    if (!clone) throw new IsolationError(404, 'test database not found')
    this.#handed.delete(id)
    return clone
  }

  #hand(clone: Clone, holder: Owner | undefined): void {
    this.#handed.set(clone.id, { ...clone, holder, at: Date.now() })
  }

  #answer(waiter: Waiter, clone: Clone): void {
    this.#hand(clone, waiter.holder)
    waiter.resolve(clone)
  }

  /** Makes copies for those who wait. */
  #serve(): void {
    while (this.#making < Math.min(this.#waiters.length, AT_ONCE)) {
      if (this.clones.full) {
        this.#press()
        return
      }
      void this.#make('claim')
    }
  }

  /** One after another, while nobody waits: as many as have been asked for so far, and some. */
  async #fill(): Promise<void> {
    if (this.#filling) return
    this.#filling = true
    const wanted = () => Math.min(this.options.size, 2 + this.#claims)
    while (!this.#closed && this.#waiters.length === 0 && !this.clones.full) {
      if (this.#ready.length + this.#making >= wanted()) break
      if (!(await this.#make('background'))) break
    }
    this.#filling = false
  }

  async #make(urgency: 'claim' | 'background'): Promise<boolean> {
    this.#making++
    try {
      const clone = await this.clones.make(this.source, urgency)
      this.#making--
      if (this.#closed) this.clones.drop(clone.name)
      else this.#settle(clone)
      return true
    } catch (error) {
      this.#making--
      if (codeOf(error) === '3D000') this.options.onGone()
      // Nobody asked for one that is made in the background: the next claim hears of it, if it lasts.
      if (urgency === 'claim') this.#waiters.shift()?.reject(error)
      this.#serve()
      return false
    }
  }

  #settle(clone: Clone): void {
    const waiter = this.#waiters.shift()
    if (waiter) this.#answer(waiter, clone)
    else this.#ready.push(clone)
    if (this.#waiters.length > 0) this.#serve()
    else void this.#fill()
  }

  /** There may be no more databases: makes room, and looks again until nobody waits. */
  #press(): void {
    if (this.#pressed) return
    const relieve = async () => {
      if (this.#waiters.length === 0 || this.#closed) {
        clearInterval(this.#pressed)
        this.#pressed = undefined
      } else if (!this.clones.full) this.#serve()
      else if (!this.options.spare()) await this.#recycle()
    }
    const step = () => void relieve().catch(() => {})
    this.#pressed = setInterval(step, PRESSED_MS)
    step()
  }

  /** Drops what was handed out for good, and is not connected to any more. */
  async #recycle(): Promise<void> {
    this.clones.tidy()
    const old = [...this.#handed.values()].filter(({ holder, at }) =>
      holder ? isDead(holder) : Date.now() - at >= OWN_MS,
    )
    const busy = await this.clones.connected(old.map(({ name }) => name))
    for (const { id, name } of old.filter(one => !busy.has(one.name)).slice(0, this.#waiters.length))
      if (this.#handed.delete(id)) this.clones.drop(name)
  }
}
