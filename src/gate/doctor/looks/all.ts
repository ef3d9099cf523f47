import { untilAborted } from '../../../io/resolve.js'
import type { Look } from '../subject.js'
import { drivers } from './drivers.js'
import { names } from './names.js'
import { origins } from './origins.js'
import { surroundings } from './surroundings.js'

/** Ends with the signal, and says nothing where it cannot see: a look spoils no examination. */
const careful =
  (look: Look): Look =>
  subject =>
    untilAborted(look(subject), subject.signal).catch(() => ({ facts: {}, concerns: [] }))

/** What is looked at around a connection, in the order in which it is told. */
export const LOOKS = {
  origins: careful(origins),
  names: careful(names),
  surroundings: careful(surroundings),
  drivers: careful(drivers),
} as const satisfies Record<string, Look>
