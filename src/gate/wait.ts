import type { Session } from '../core/service.js'
import type { NotReady, Ready, Server, Verdict } from '../core/verdict.js'
import { type Clock, childOf, systemClock } from '../io/clock.js'
import { cachedResolve, resolveHost } from '../io/resolve.js'
import { Logins, loginOf, NOT_TRIED } from './logins.js'
import { ATTEMPT_TIMEOUT_MS } from './options.js'
import type { Aim, Outcome, State, WaitOptions, WaitResult } from './outcome.js'
import { decide, ends, type History, isGone, isSpent, newHistory } from './policy.js'
import { type Probed, probeOnce } from './probe.js'

export const TIMEOUT_MS = 60_000
export const GRACE_MS = 3000

/** A time-out shorter than this tells less than the verdict before it. */
const TELLING_MS = 1000

/** Waits until the targets are ready, the time is up, or `signal` aborts. Never rejects for a target's sake. */
export async function waitForTargets(aims: readonly Aim[], options: WaitOptions = {}): Promise<WaitResult> {
  const clock = options.clock ?? systemClock
  const begun = clock.now()
  const deadline = clock.deadline(options.timeoutMs ?? TIMEOUT_MS, options.signal)
  const settled = childOf(deadline.signal)
  const resolve = options.resolve ?? cachedResolve(resolveHost, () => clock.now())
  const logins = options.logins ?? new Map<string, Logins>()
  const waits = aims.map(aim => {
    const shared = logins.get(loginOf(aim.target)) ?? new Logins()
    logins.set(loginOf(aim.target), shared)
    return new TargetWait(aim, { ...options, resolve }, clock, begun, settled.signal, newHistory(shared))
  })
  try {
    await Promise.all(
      waits.map(async wait => {
        await wait.run()
        const decided = wait.succeeded ? options.any : wait.state === 'broken' && !options.any
        if (decided) settled.abort(new DecidedError())
      }),
    )
  } finally {
    settled.clear()
    deadline.clear()
  }
  const outcomes = waits.map(wait => wait.outcome)
  const good = waits.filter(wait => wait.succeeded).length
  const ok = options.any ? good > 0 : good === waits.length
  const culprit = ok
    ? undefined
    : (outcomes.find(one => one.state === 'broken') ?? outcomes.find((_, i) => !waits[i]?.succeeded))
  return { ok, durationMs: Math.round(clock.now() - begun), outcomes, ...(culprit ? { culprit } : {}) }
}

/** Another target decided: to an attempt that is under way this is a deadline like any other. */
class DecidedError extends Error {
  override readonly name = 'AbortError'
}

class TargetWait {
  state: State = 'waiting'
  #attempts = 0
  #verdict: Verdict
  #readyAfterMs: number | null = null

  constructor(
    readonly aim: Aim,
    readonly options: WaitOptions,
    readonly clock: Clock,
    readonly begun: number,
    readonly signal: AbortSignal,
    readonly history: History,
  ) {
    const finding = { reason: 'connect-timeout', message: 'no attempt was finished' } as const
    this.#verdict = {
      target: aim.target.name,
      ready: false,
      steps: [],
      heard: false,
      layer: 'config',
      finding,
    }
  }

  get succeeded(): boolean {
    return this.state === (this.options.gone ? 'gone' : 'ready')
  }

  get outcome(): Outcome {
    const { target } = this.aim
    return {
      target,
      state: this.state,
      verdict: this.#verdict,
      attempts: this.#attempts,
      readyAfterMs: this.#readyAfterMs,
    }
  }

  get #elapsed(): number {
    return this.clock.now() - this.begun
  }

  async run(): Promise<void> {
    while (!this.signal.aborted) {
      const delayMs = await this.#attempt()
      if (delayMs === undefined || this.options.once) break
      await this.clock.sleep(delayMs, this.signal).catch(() => {})
      if (!this.options.gone && isSpent(this.#verdict, this.history)) break
    }
    // A deadline during the grace does not make a wrong password something that may still heal.
    if (this.state === 'waiting' && !this.#verdict.ready && !this.options.gone && ends(this.#verdict))
      this.state = 'broken'
  }

  /** Resolves with the delay before the next attempt, or undefined when there is none. */
  async #attempt(): Promise<number | undefined> {
    const { options } = this
    const { target, service } = this.aim
    const timeoutMs = options.attemptTimeoutMs ?? ATTEMPT_TIMEOUT_MS
    const begun = this.clock.now()
    const probe = (): Promise<Probed> =>
      probeOnce(target, service, {
        ...options,
        ...this.aim.probe,
        timeoutMs,
        signal: this.signal,
        ...(options.gone || !isPowerOfTwo(this.#attempts) ? { identify: false } : {}),
        // Stability is judged by the server's age.
        ...(options.stableMs ? { details: true } : {}),
      })
    const probed = await this.#inTurn(probe)
    if (!probed) return UNTRIED_POLL_MS
    const { verdict, session } = probed
    const cutShort = this.signal.aborted && this.clock.now() - begun < Math.min(TELLING_MS, timeoutMs)
    const first = this.#attempts === 1
    if (cutShort && !verdict.ready && first && options.any && this.signal.reason instanceof DecidedError) {
      this.#verdict = { ...verdict, finding: (await import('./said.js')).NOT_WAITED_FOR }
      return undefined
    }
    if (cutShort && !verdict.ready && !first) {
      await session?.close()
      return undefined
    }
    if (options.gone && verdict.ready) {
      await session?.close()
      this.#tell({
        ...verdict,
        ready: false,
        layer: 'query',
        finding: (await import('./said.js')).STILL_THERE,
      })
      return GONE_POLL_MS
    }
    this.#tell(verdict)
    if (!verdict.ready) return this.#again(verdict)
    try {
      const stable = await this.#holdsStill(verdict.server, session, probe)
      if (stable !== true) {
        const shaken = {
          ...stable,
          target: target.name,
          steps: stable.steps.length > 0 ? stable.steps : verdict.steps,
        }
        this.#tell(shaken)
        return this.#again(shaken)
      }
      if (options.details ?? true) this.#verdict = await this.#surveyed(verdict)
      this.#succeed('ready')
      return undefined
    } finally {
      await session?.close()
    }
  }

  async #surveyed(verdict: Ready): Promise<Ready> {
    const several = verdict.steps.some(({ layer, detail }) => layer === 'dns' && detail?.includes(', '))
    if (!several) return verdict
    const { survey } = await import('./survey.js')
    return survey(this.aim.target, verdict, this.options.resolve ?? resolveHost, this.signal)
  }

  /** Attempts by one login come one after another, until one is let in or two were rejected. */
  async #inTurn(probe: () => Promise<Probed>): Promise<Probed | undefined> {
    const { logins } = this.history
    const counted = this.aim.target.password !== undefined && !this.options.gone
    const attempt = async () => {
      const rejectedElsewhere = logins.rejected > 0 && !logins.accepted && this.#attempts === 0
      if (counted && rejectedElsewhere) return undefined
      this.#attempts++
      const probed = await probe()
      logins.learn(probed.verdict)
      return probed
    }
    const probed = await (counted ? logins.inTurn(this.signal, attempt) : attempt())
    if (!probed)
      this.#verdict = { ...this.#verdict, ready: false, layer: 'auth', finding: NOT_TRIED } as NotReady
    return probed
  }

  async #holdsStill(
    server: Server,
    session: Session | undefined,
    probe: () => Promise<Probed>,
  ): Promise<true | NotReady> {
    const { stableMs = 0, attemptTimeoutMs = ATTEMPT_TIMEOUT_MS } = this.options
    if (stableMs === 0) return true
    const { holdsStill } = await import('./tripwire.js')
    const { clock, signal } = this
    return holdsStill({ stableMs, server, session, probe, attemptMs: attemptTimeoutMs, clock, signal })
  }

  #again(verdict: NotReady): number | undefined {
    if (this.options.gone) {
      if (!isGone(verdict)) return GONE_POLL_MS
      this.#succeed('gone')
      return undefined
    }
    const decision = decide(verdict, this.history, this.#elapsed, this.options.graceMs ?? GRACE_MS)
    if (decision.act === 'again') return decision.delayMs
    this.state = 'broken'
    return undefined
  }

  #succeed(state: State): void {
    this.state = state
    this.#readyAfterMs = Math.round(this.#elapsed)
  }

  #tell(verdict: Verdict): void {
    this.#verdict = verdict
    this.options.onVerdict?.(verdict, {
      target: this.aim.target,
      attempts: this.#attempts,
      elapsedMs: this.#elapsed,
    })
  }
}

/** A port that says nothing is asked what it is ever more seldom: each question is a connection that comes to nothing. */
const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0

/** How often a target that must not be tried yet looks whether it may, in milliseconds. */
const UNTRIED_POLL_MS = 50

/** How often a target that should go away is looked at, in milliseconds. */
const GONE_POLL_MS = 100
