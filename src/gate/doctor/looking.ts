import type { ReasonId } from '../../core/reasons.js'
import type { Health } from '../../core/service.js'
import type { Clock } from '../../io/clock.js'
import type { Look, Subject } from './subject.js'

/** How long looks, and later advice, may take beyond the examinations, in milliseconds. */
export const LOOK_MS = 2500

/** What the looks find within their time. */
export async function lookAround(looks: readonly Look[], subject: Subject, clock: Clock): Promise<Health[]> {
  const { signal, clear } = clock.deadline(LOOK_MS, subject.signal)
  try {
    return await Promise.all(looks.map(look => look({ ...subject, signal })))
  } finally {
    clear()
  }
}

/** What a look finds that is the fault itself. */
const SAME: Partial<Record<ReasonId, string>> = {
  'dns-failure': 'unknown-name',
  'connection-refused': 'localhost-in-container',
}

/** All that was seen, without a concern that says once more what the fault is. */
export function merged(seen: readonly Health[], fault: ReasonId | undefined): Health {
  const same = fault && SAME[fault]
  return {
    facts: Object.assign({}, ...seen.map(({ facts }) => facts)),
    concerns: seen.flatMap(({ concerns }) => concerns).filter(({ id }) => id !== same),
  }
}

/** What the looks saw before what the session told; where both have a name for it, as `port` and `givenPort`. */
export function beside(looked: Health['facts'], told: Health['facts']): Health['facts'] {
  const named = Object.entries(looked).map(([name, value]) => {
    const both = Object.hasOwn(told, name) && told[name] !== value
    return [both ? `given${name.charAt(0).toUpperCase()}${name.slice(1)}` : name, value] as const
  })
  return { ...Object.fromEntries(named), ...told }
}
