import type { Concern, Level } from '../core/concern.js'
import { reaches } from '../core/concern.js'
import { EXIT } from '../core/errors.js'
import type { Flaw, Rule } from './rule.js'
import { RULES } from './rules/all.js'
import { hush } from './secrets.js'
import { isUnusable } from './silence.js'
import type { Checked } from './subject.js'

/** What keeps the configuration from being used, or is doubtful about it. Opens no connection. */
export const checkConfig = (subject: Checked): Concern[] => inOrder(apply('config', subject))

/** What does not belong into production. Opens no connection. */
export const checkDeploy = (subject: Checked): Concern[] => apply('deploy', subject)

function apply(stage: Rule['stage'], subject: Checked): Concern[] {
  const concerns = RULES.filter(rule => rule.stage === stage).flatMap(rule =>
    [...rule.check(subject)].map(flaw => concernOf(rule, flaw)),
  )
  return hush(concerns, subject)
}

/** By line and column; what stands in no file comes last. */
function inOrder(concerns: readonly Concern[]): Concern[] {
  const at = ({ where = '' }: Concern): number => {
    const [, line, column] = /:(\d+):(\d+)$/.exec(where) ?? []
    return line === undefined ? Number.MAX_VALUE : Number(line) * 1e6 + Number(column)
  }
  return [...concerns].sort((a, b) => at(a) - at(b))
}

function concernOf({ id, level, advice }: Rule, flaw: Flaw): Concern {
  const given = Object.entries(flaw).filter(([, value]) => value !== undefined)
  return { id, level, advice, ...Object.fromEntries(given) } as Concern
}

export interface Settlement {
  /** Not silenced, the worst first within a target. */
  readonly counted: readonly Concern[]
  /** Silenced, each with the user's reason. */
  readonly silenced: readonly Concern[]
  /** Those of `counted` that reach the level. */
  readonly failing: readonly Concern[]
  readonly failed: boolean
  /** 0; 1 where something reaches the level; 78 where the configuration cannot be used. */
  readonly exitStatus: number
}

/** Decides what counts. `silence` has a reason for each id that does not. */
export function settle(
  concerns: readonly Concern[],
  { silence = {}, failLevel = 'error' }: { silence?: Readonly<Record<string, string>>; failLevel?: Level },
): Settlement {
  const reasonFor = ({ id }: Concern) =>
    isUnusable(id) || !Object.hasOwn(silence, id) ? undefined : silence[id]
  const counted = concerns.filter(one => reasonFor(one) === undefined)
  const silenced = concerns.flatMap(one => {
    const reason = reasonFor(one)
    return reason === undefined ? [] : [{ ...one, silenced: reason }]
  })
  const failing = counted.filter(({ level }) => reaches(level, failLevel))
  const unusable = failing.some(({ id, level }) => level === 'error' && ruleOf(id)?.stage === 'config')
  const exitStatus = unusable ? EXIT.config : failing.length > 0 ? EXIT.findings : EXIT.ok
  return { counted, silenced, failing, failed: failing.length > 0, exitStatus }
}

export const ruleOf = (id: string): Rule | undefined => RULES.find(rule => rule.id === id)
