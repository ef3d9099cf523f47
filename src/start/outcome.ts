import { EXIT } from '../core/errors.js'
import type { NotReady } from '../core/verdict.js'
import type { Outcome } from '../gate/outcome.js'
import { ends } from '../gate/policy.js'

/** What does not heal is 78, a schema 65, all else 69. */
export function statusOf(
  verdict: NotReady,
  state: Outcome['state'] = ends(verdict) ? 'broken' : 'waiting',
): number {
  if (state === 'broken') return EXIT.config
  return verdict.finding.reason === 'schema-missing' ? EXIT.schema : EXIT.unavailable
}

/** One line of why a target is not ready. */
export const why = ({ finding, layer, target }: NotReady): string =>
  `${target}: ${finding.reason} at ${layer}: ${finding.message}`
