import type { Health } from '../../core/service.js'
import type { Clock } from '../../io/clock.js'
import { untilAborted } from '../../io/resolve.js'
import type { Look, Subject } from './subject.js'

/** How long looks and advice may take beyond the examinations, in milliseconds. */
export const LOOK_MS = 2500

const NOTHING: Health = { facts: {}, concerns: [] }

/** What the looks find. One that fails, or takes too long, has found nothing. */
export async function lookAround(looks: readonly Look[], subject: Subject, clock: Clock): Promise<Health[]> {
  const { signal, clear } = clock.deadline(LOOK_MS, subject.signal)
  const one = async (look: Look) => look({ ...subject, signal })
  try {
    return await Promise.all(looks.map(look => untilAborted(one(look), signal).catch(() => NOTHING)))
  } finally {
    clear()
  }
}
