import type { Attempt, Link } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Layer, Step } from '../core/verdict.js'
import { type Dialed, dial, type Endpoint, nameOf } from '../io/dial.js'
import { SocketLink } from '../io/link.js'

type Recorded = { -readonly [K in keyof Step]: Step[K] } & { begun: number }

/** The steps of one probe, in order, as they happen. */
export class Trace {
  readonly #steps: Recorded[] = []
  heard = false

  constructor(readonly now: () => number) {}

  begin(layer: Layer, address?: string): (outcome: Pick<Step, 'state' | 'code' | 'detail'>) => void {
    const step: Recorded = {
      layer,
      ms: 0,
      state: 'running',
      begun: this.now(),
      ...(address ? { address } : {}),
    }
    this.#steps.push(step)
    return outcome => {
      step.ms = this.now() - step.begun
      Object.assign(step, outcome)
    }
  }

  async step<T>(layer: Layer, work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const done = this.begin(layer)
    try {
      const result = await work()
      done({ state: 'ok' })
      return result
    } catch (error) {
      const code = (error as { code?: unknown } | undefined)?.code
      // What the deadline cut off was still running: that is the layer that hangs.
      if (!signal.aborted) done({ state: 'failed', ...(typeof code === 'string' ? { code } : {}) })
      throw error
    }
  }

  get steps(): Step[] {
    const now = this.now()
    return this.#steps.map(({ begun, ...step }) => ({
      ...step,
      ms: round(step.state === 'running' ? now - begun : step.ms),
    }))
  }

  /** The innermost layer that failed or still runs. */
  get layer(): Layer {
    return this.#steps.findLast(step => step.state !== 'ok')?.layer ?? this.#steps.at(-1)?.layer ?? 'config'
  }
}

const round = (ms: number): number => Math.round(ms * 100) / 100

/** One try over the given endpoints; `reached` is the one that answered. */
export class NetAttempt implements Attempt {
  reached: Endpoint | undefined
  /** Called once, when an endpoint has accepted. */
  onReached: (() => void) | undefined
  /** True when any byte came in this try. */
  heard = false
  readonly #links: SocketLink[] = []
  #abandoned = false

  constructor(
    readonly target: Target,
    readonly host: string,
    readonly endpoints: readonly Endpoint[],
    readonly trace: Trace,
    readonly signal: AbortSignal,
  ) {}

  step<T>(layer: Layer, work: () => Promise<T>): Promise<T> {
    return this.trace.step(layer, work, this.signal)
  }

  async connect({ quiet = false, lastMs }: { quiet?: boolean; lastMs?: number } = {}): Promise<Link> {
    const to = quiet && this.reached ? [this.reached] : this.endpoints
    const signal = lastMs ? AbortSignal.timeout(lastMs) : this.signal
    const dialed = await dial(to, signal, quiet ? undefined : one => this.trace.begin('tcp', nameOf(one)))
    if (!this.reached) {
      this.reached = dialed.endpoint
      this.onReached?.()
    }
    return this.#own(dialed, signal)
  }

  #own({ socket }: Dialed, signal: AbortSignal): SocketLink {
    const link = new SocketLink(socket, this.target, this.host, signal, () => {
      this.heard = true
      this.trace.heard = true
    })
    // What clears up after the attempt outlives it.
    if (signal !== this.signal) return link
    this.#links.push(link)
    // A service that dials once more has not learnt yet that it was given up.
    if (this.#abandoned) link.close()
    return link
  }

  abandon(): void {
    this.#abandoned = true
    for (const link of this.#links) link.close()
  }
}
