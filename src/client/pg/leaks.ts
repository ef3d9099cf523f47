import { formatMs } from '../../core/options.js'
import { clearTimeout, monotonic, setTimeout } from '../../io/clock.js'
import { stateText, whoOf } from './statetext.js'
import type { PoolEvents, PoolState } from './types.js'

/** What is known of a pool here. */
export interface Watched {
  readonly name: string
  state(): PoolState
  listenerCount(event: 'leak'): number
  emit(event: 'leak', ...told: PoolEvents['leak']): unknown
}

interface Holder {
  readonly since: number
  readonly trace: Error
  told: boolean
}

/** Enough for a framework between the program and its query. */
const FRAMES = 50

/**
 * Who has checked which client out. A client that is out for longer than `afterMillis` is told of once: by the
 * event 'leak', or by a warning of the process (HOLDFAST_LEAK) where nobody listens. Keeps no process alive.
 */
export class Leaks {
  readonly #pool: Watched
  readonly #afterMillis: number
  readonly #own = ownFolder()
  /** The longest first. */
  readonly #held = new Map<object, Holder>()
  #timer: NodeJS.Timeout | undefined

  constructor(pool: Watched, afterMillis: number) {
    this.#pool = pool
    this.#afterMillis = afterMillis
  }

  /** Of whoever calls, before anything is awaited. Made into text only where somebody reads it. */
  trace(): Error {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = FRAMES
    const trace = new Error('checked out')
    Error.stackTraceLimit = stackTraceLimit
    return trace
  }

  took(client: object, trace: Error): void {
    this.#held.set(client, { since: monotonic(), trace, told: false })
    if (!this.#timer) this.#arm()
  }

  gave(client: object): void {
    this.#held.delete(client)
  }

  /** The longest first. */
  holders(): NonNullable<PoolState['holders']> {
    const now = monotonic()
    return [...this.#held.values()].map(holder => this.#shown(holder, now))
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#held.clear()
  }

  #shown({ since, trace }: Holder, now: number): { millis: number; stack: string } {
    return { millis: now - since, stack: framesOf(trace.stack ?? '', this.#own) }
  }

  /** One timer for all, since who was first is due first. */
  #arm(): void {
    this.#timer = undefined
    for (const { since, told } of this.#held.values()) {
      if (told) continue
      const left = since + this.#afterMillis - monotonic()
      this.#timer = setTimeout(() => this.#look(), Math.max(left, 1)).unref()
      return
    }
  }

  #look(): void {
    const now = monotonic()
    for (const holder of this.#held.values()) {
      if (holder.told || now - holder.since < this.#afterMillis) continue
      holder.told = true
      this.#tell({ ...this.#shown(holder, now), state: this.#pool.state() })
    }
    this.#arm()
  }

  #tell(leak: PoolEvents['leak'][0]): void {
    const { name } = this.#pool
    if (this.#pool.listenerCount('leak') > 0) {
      this.#pool.emit('leak', leak)
      return
    }
    const text = `${name}: a client is checked out for ${formatMs(leak.millis)} by ${whoOf(leak.stack)}`
    process.emitWarning(
      `${text}; release it in a finally block, or use withConnection(). Pool: ${stateText(leak.state)}`,
      { type: 'HoldfastWarning', code: 'HOLDFAST_LEAK', detail: leak.stack },
    )
  }
}

/** The lines of a stack without Node's and those below `own`; all where nothing would be left (an application in one bundle). */
export function framesOf(stack: string, own: string): string {
  const frames = stack.split('\n').filter(line => /^\s+at /.test(line) && !/\(?node:[\w/]+:\d/.test(line))
  const theirs = frames.filter(line => !own || !line.includes(own))
  return (theirs.length > 0 ? theirs : frames).join('\n')
}

/** Where this file is, in the words of a stack: a URL of an ES module, a path elsewhere. */
function ownFolder(): string {
  const frame = /^\s+at (?:.*\()?(.*[\\/])[^\\/]+:\d+:\d+\)?$/m.exec(new Error('here').stack ?? '')
  return (frame?.[1] ?? '').replace(/chunks[\\/]$/, '')
}
