import { usage } from '../core/errors.js'
import { mayDescend } from '../core/verdict.js'
import type { Aim, Outcome, WaitOptions, WaitResult } from '../gate/outcome.js'
import { waitForTargets } from '../gate/wait.js'
import { statusOf, why } from './outcome.js'
import { failed, passed, type StageEnd, skipped } from './stages.js'

/** What became of the targets, and which of them later stages may use. */
export interface Infrastructure {
  readonly end: StageEnd
  readonly outcomes: readonly Outcome[]
  readonly present: readonly Aim[]
  readonly absent: readonly Aim[]
}

/** Waits until all of them are ready. */
export async function whole(aims: readonly Aim[], options: WaitOptions): Promise<Infrastructure> {
  const result = await waitForTargets(aims, options)
  const { culprit } = result
  const end =
    culprit && !culprit.verdict.ready
      ? failed(statusOf(culprit.verdict, culprit.state), why(culprit.verdict))
      : passed(namesOf(aims))
  return { end, outcomes: result.outcomes, present: result.ok ? aims : [], absent: [] }
}

/**
 * Tries each by itself, for a run without infrastructure: what is absent is skipped unless it is required, what
 * answers has to be ready.
 */
export async function partial(
  aims: readonly Aim[],
  options: WaitOptions,
  required: readonly string[],
): Promise<Infrastructure> {
  const logins = new Map()
  const results: WaitResult[] = await Promise.all(
    aims.map(aim => waitForTargets([aim], { ...options, logins })),
  )
  const outcomes = results.flatMap(result => result.outcomes)
  const present = aims.filter((_, i) => results[i]?.ok)
  const absent = aims.filter((_, i) => {
    const verdict = outcomes[i]?.verdict
    return verdict && mayDescend(verdict, false)
  })
  const bad = aims.flatMap((aim, i) => {
    const one = outcomes[i]
    if (!one || one.verdict.ready || (absent.includes(aim) && !isRequired(aim, required))) return []
    return [{ status: statusOf(one.verdict, one.state), text: why(one.verdict) }]
  })
  const [first] = bad
  const end = first
    ? failed(first.status, bad.map(({ text }) => text).join('; '))
    : absent.length > 0
      ? skipped(needs(absent))
      : passed(namesOf(aims))
  return { end, outcomes, present, absent }
}

const isRequired = ({ target }: Aim, required: readonly string[]): boolean =>
  required.includes('all') || required.includes(target.name)

/** @throws HoldfastError (usage) where a required target is none of the given ones. */
export function checkRequired(required: readonly string[], aims: readonly Aim[]): void {
  const known = aims.map(({ target }) => target.name)
  const wrong = required.find(name => name !== 'all' && !known.includes(name))
  if (wrong !== undefined)
    throw usage(
      `--require: "${wrong}" is not the name of a target. ${known.length > 0 ? `There are ${known.join(', ')}, and all.` : 'There is none.'}`,
    )
}

/** `needs postgres`, with the target's name where that says more; each once. */
export const needs = (aims: readonly Aim[]): string => {
  const names = aims.map(({ target: { name, service } }) =>
    name === service ? service : `${service}: ${name}`,
  )
  return `needs ${[...new Set(names)].join(', ')}`
}

const namesOf = (aims: readonly Aim[]): string => aims.map(({ target }) => target.name).join(', ')
