import { HoldfastError } from '../core/errors.js'
import { formatMs } from '../core/options.js'
import type { Service } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Outcome } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import type { Reaper } from '../io/reaper.js'
import { type Choice, chooseRung } from './ladder.js'
import { adviceFor, rungsFor } from './rungs.js'
import type { StandIn, StandInOptions } from './stand-in.js'

/** What is known of the configured service, and whether the time for one that is starting was used up. */
export interface Seen {
  readonly outcome: Outcome
  readonly waited: boolean
}

/** Starts a stand-in in another process, which then owns it. */
export type Elsewhere = (
  rung: string,
  settings: Pick<StandInOptions, 'image' | 'version'>,
) => Promise<StandIn>

export interface SettleOptions {
  /** What was found at the configured address; without it the ladder begins at the stand-ins. */
  readonly seen?: Seen | undefined
  readonly service: Service
  /** Parses a stand-in's address under the name of what it replaces. */
  readonly parse: (url: string) => Target
  readonly ci: boolean
  /** The rungs that may be taken, in this order; the usual ones where it is undefined. */
  readonly rungs?: readonly string[] | undefined
  /** The image of a rung that runs one. */
  readonly image?: string | undefined
  /** Capabilities that a stand-in must have. */
  readonly needs?: readonly string[]
  /** What says that nothing but the real one will do. */
  readonly requiredBy?: string | undefined
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
  /** How long a stand-in may take to answer once it has started, in milliseconds. */
  readonly timeoutMs: number
  readonly reaper: Reaper
  /** Default: stand-ins are started in this process. */
  readonly elsewhere?: Elsewhere | undefined
  readonly signal: AbortSignal
  /** Hears of what takes long, like a pull: a sentence each. */
  readonly onProgress?: ((text: string) => void) | undefined
}

export interface Settled {
  readonly choice: Choice<StandIn>
  /**
   * How what COMMAND gets was found: the real service's, or the stand-in's, which has none where it is a file; on skip
   * the absent one's.
   */
  readonly outcome: Outcome | undefined
}

/** Gets COMMAND the best that there is for one service. */
export async function settle(options: SettleOptions): Promise<Settled> {
  const { seen: configured, service, signal, reaper, image, elsewhere } = options
  const version = configured?.outcome.verdict.server?.version
  const settings = { ...(image ? { image } : {}), ...(version ? { version } : {}) }
  const { onProgress } = options
  let outcome: Outcome | undefined
  /** One that does not answer is none. */
  const answering = async (starting: Promise<StandIn>): Promise<StandIn> => {
    const standIn = await starting
    if (standIn.serverless) return standIn
    const { timeoutMs } = options
    const target = options.parse(standIn.url)
    const { outcomes } = await waitForTargets([{ target, service }], { timeoutMs, signal })
    outcome = outcomes[0]
    if (!outcome || outcome.verdict.ready) return standIn
    await standIn.close()
    const { reason, message } = outcome.verdict.finding
    throw new HoldfastError(
      'config',
      `${standIn.label} was not ready within ${formatMs(timeoutMs)}: ${reason}: ${message}`,
    )
  }
  const rungs = rungsFor(service.name, { signal, reaper, onProgress, ...settings }, options.rungs)
  const choice = await chooseRung({
    ...options,
    service: service.name,
    configured: configured?.outcome.verdict,
    waited: configured?.waited ?? false,
    rungs: rungs.map(({ name, start }) => ({
      name,
      start: () => answering(elsewhere ? elsewhere(name, settings) : start()),
    })),
    advice: adviceFor(service.name, options),
  })
  if (choice.decision !== 'stand-in') return { choice, outcome: configured?.outcome }
  return { choice, outcome: choice.standIn.serverless ? undefined : outcome }
}
