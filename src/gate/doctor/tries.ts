import type { Target } from '../../core/target.js'
import type { Logins } from '../logins.js'
import type { Outcome, WaitOptions } from '../outcome.js'
import { waitForTargets } from '../wait.js'
import type { Patient } from './checkup.js'

/** Attempts at one target, as a wait makes them: by the table, and never more than its login bears. */
export class Tries {
  count = 0

  constructor(
    readonly patient: Patient,
    readonly shared: WaitOptions & { readonly logins: Map<string, Logins> },
  ) {}

  /** `target` may be the same place by other settings. */
  async wait(options: WaitOptions, target: Target = this.patient.target): Promise<Outcome> {
    const { service, until } = this.patient
    const depth = until === 'write' && !service.abilities.includes('write') ? 'query' : until
    const aim = { target, service, probe: { until: depth } }
    const { outcomes } = await waitForTargets([aim], { graceMs: 0, ...this.shared, ...options })
    const [outcome] = outcomes
    if (!outcome) throw new Error('a wait has no outcome')
    this.count += outcome.attempts
    return outcome
  }
}
