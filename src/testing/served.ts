import type { Decision } from '../core/decision.js'
import { parseTarget } from '../core/target.js'
import type { Reaper } from '../io/reaper.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { type Elsewhere, type Settled, settle } from '../standin/settle.js'
import type { Looks } from './looks.js'
import type { Need, TestPlan } from './plan.js'
import type { Asked } from './services.js'

/** One service that tests need, and what became of it. */
export interface Served extends Settled, Asked {}

/** What the services of one run share. */
export interface Serving {
  readonly reaper: Reaper
  readonly looks: Looks
  readonly signal: AbortSignal
  /** Where stand-ins are started; default: in this process. */
  readonly elsewhere?: Elsewhere
  /** Hears of what takes long, like a pull: a sentence each. */
  readonly onProgress?: (text: string) => void
}

/**
 * Gets one service ready: the real one, else a stand-in, else says why not.
 *
 * @throws the signal's reason.
 */
export async function serve(need: Need, plan: TestPlan, serving: Serving): Promise<Served> {
  const { aim, usual, offline, ...asked } = need
  const { looks, reaper, signal, elsewhere, onProgress } = serving
  const service = await loadService(asked.service)
  const seen = aim && (await looks.at(aim))
  signal.throwIfAborted()
  const cutOff = offline && !seen?.outcome.verdict.ready && (await looks.offline())
  const parse = (url: string) => parseTarget(url, { schemes: SCHEMES, name: asked.name, source: 'stand-in' })
  const settled = await settle({
    ...(cutOff ? offline : usual),
    seen,
    service,
    parse,
    ci: plan.ci,
    timeoutMs: plan.timeoutMs,
    reaper,
    signal,
    elsewhere,
    onProgress,
  })
  if (!cutOff || settled.choice.decision === 'real') return { ...asked, ...settled }
  const message = `${settled.choice.message} Offline: test.offline holds.`
  return { ...asked, ...settled, choice: { ...settled.choice, message } }
}

/** For documents and for the journal. */
export function decisionOf({ name, service, wanted, choice }: Served): Decision {
  const { decision, message, passedOver } = choice
  const base = { service, target: name, decision, message, ...(passedOver ? { passedOver } : {}) }
  if (choice.decision === 'real') return base
  // Without a configured address there is no verdict, only that.
  const reason = wanted ? { reason: choice.verdict.finding.reason } : {}
  return { ...base, ...reason, ...(choice.decision === 'stand-in' ? { with: choice.with } : {}) }
}
