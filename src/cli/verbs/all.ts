import { check } from './check.js'
import { doctor } from './doctor.js'
import type { VerbEntry } from './entry.js'
import { init } from './init.js'
import { report } from './report.js'
import { run } from './run.js'
import { test } from './test.js'
import { wait } from './wait.js'

/** Every verb, in the order of the help. */
export const ENTRIES: readonly VerbEntry[] = [wait, doctor, check, run, test, report, init]

export const entryOf = (name: string | undefined): VerbEntry | undefined =>
  ENTRIES.find(({ verb }) => verb.name === name)
