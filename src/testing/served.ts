import type { Decision } from '../core/decision.js'
import { parseTarget } from '../core/target.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { type Settled, type SettleOptions, settle } from '../standin/settle.js'
import type { Need, TestPlan } from './plan.js'
import type { Asked } from './services.js'

/** One service that tests need, and what became of it. */
export interface Served extends Settled, Asked {}

/** Gets one service ready: the real one, else a stand-in, else says why not. */
export async function serve(
  need: Need,
  plan: TestPlan,
  shared: Pick<SettleOptions, 'reaper' | 'logins' | 'signal' | 'onVerdict' | 'elsewhere'>,
): Promise<Served> {
  const { aim, needs, ...asked } = need
  const { ci, allowStandIn, allowSkip, timeoutMs, attemptTimeoutMs } = plan
  const service = await loadService(asked.service)
  const parse = (url: string) => parseTarget(url, { schemes: SCHEMES, name: asked.name, source: 'stand-in' })
  const allowed = { ci, allowStandIn, allowSkip, timeoutMs, attemptTimeoutMs }
  return { ...asked, ...(await settle({ ...shared, ...allowed, aim, needs, service, parse })) }
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
