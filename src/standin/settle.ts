import type { Service } from '../core/service.js'
import type { Target } from '../core/target.js'
import { mayDescend, type Verdict } from '../core/verdict.js'
import type { Logins } from '../gate/logins.js'
import type { Aim, Outcome, Progress } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import type { Reaper } from '../io/reaper.js'
import { type Choice, chooseRung, type Rung } from './ladder.js'
import { adviceFor, rungsFor } from './rungs.js'
import type { StandIn } from './stand-in.js'

/** How long an absent service is asked again before something else takes its place, in milliseconds. */
const SECOND_LOOK_MS = 250

export interface SettleOptions {
  /** What is configured; without it the ladder begins at the stand-ins. */
  readonly aim?: Aim | undefined
  readonly service: Service
  /** Parses a stand-in's address under the name of what it replaces. */
  readonly parse: (url: string) => Target
  readonly ci: boolean
  /** Capabilities that a stand-in must have. */
  readonly needs?: readonly string[]
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
  /** How long to wait for a service that is starting, and for one attempt, in milliseconds. */
  readonly timeoutMs: number
  readonly attemptTimeoutMs: number
  readonly reaper: Reaper
  /** Starts a stand-in in another process, which then owns it. Default: in this one. */
  readonly elsewhere?: ((rung: Rung<StandIn>) => Promise<StandIn>) | undefined
  /** Shared by all services of one run. */
  readonly logins: Map<string, Logins>
  readonly signal: AbortSignal
  readonly onVerdict: (verdict: Verdict, progress: Progress) => void
}

export interface Settled {
  readonly choice: Choice<StandIn>
  /** How what COMMAND gets was found: the real service's, or the stand-in's; on skip the absent one's. */
  readonly outcome: Outcome | undefined
}

/** Finds out about one service, and gets COMMAND the best that there is. */
export async function settle(options: SettleOptions): Promise<Settled> {
  const { aim, service, signal, elsewhere } = options
  const configured = aim && (await look(aim, options))
  signal.throwIfAborted()
  const choice = await chooseRung({
    ...options,
    service: service.name,
    configured: configured?.outcome.verdict,
    waited: configured?.waited ?? false,
    rungs: rungsFor(service.name, { signal, reaper: options.reaper }).map(rung =>
      elsewhere ? { name: rung.name, start: () => elsewhere(rung) } : rung,
    ),
    advice: adviceFor(service.name),
  })
  if (choice.decision !== 'stand-in') return { choice, outcome: configured?.outcome }
  const target = options.parse(choice.standIn.url)
  const { outcomes } = await waitForTargets([{ target, service }], { timeoutMs: options.timeoutMs, signal })
  return { choice, outcome: outcomes[0] }
}

/** Waits for what is starting, looks twice at what is absent, and stops at once at what will not heal. */
async function look(aim: Aim, options: SettleOptions): Promise<{ outcome: Outcome; waited: boolean }> {
  const seen = new AbortController()
  const follow = () => seen.abort(options.signal.reason)
  options.signal.addEventListener('abort', follow, { once: true })
  let absentSince: number | undefined
  const { outcomes } = await waitForTargets([aim], {
    timeoutMs: options.timeoutMs,
    attemptTimeoutMs: options.attemptTimeoutMs,
    graceMs: 0,
    logins: options.logins,
    signal: seen.signal,
    onVerdict(verdict, progress) {
      options.onVerdict(verdict, progress)
      if (verdict.ready || !mayDescend(verdict, false)) {
        absentSince = undefined
        return
      }
      absentSince ??= progress.elapsedMs
      const slow = verdict.finding.reason === 'connect-timeout'
      if (slow || progress.elapsedMs - absentSince >= SECOND_LOOK_MS) seen.abort(new Error('it is absent'))
    },
  })
  options.signal.removeEventListener('abort', follow)
  const [outcome] = outcomes
  if (!outcome) throw new Error('a wait for one target has one outcome')
  return { outcome, waited: !seen.signal.aborted && outcome.state === 'waiting' }
}
