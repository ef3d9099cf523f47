import { spawnSync } from 'node:child_process'
import { HoldfastError } from '../core/errors.js'
import { childProgram } from '../io/programs.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import { cleaned, ownPlace } from './keeper/client.js'
import { type Failure, thrownOf } from './keeper/wire.js'
import { type Decided, withUnset } from './memory.js'
import { handedOn, runOf } from './run.js'

export interface SyncTask {
  readonly names: readonly string[]
  readonly options: Omit<Asking, 'signal' | 'suite' | 'test'>
}

export type SyncAnswer = Decided | Failure

/** A plan with several services that wait for their start one after another, in milliseconds. */
const MOST_MS = 120_000

/** Has a program decide, and waits for it. */
export function decideInChild(names: readonly string[], options: Asking): Decided {
  const {
    signal: _,
    suite: _suite,
    test: _test,
    env = ownEnvironment(),
    cwd = process.cwd(),
    ...rest
  } = options
  const whole = { ...env, ...handedOn(runOf({ ...process.env, ...env }, cwd)) }
  const task: SyncTask = { names, options: { ...rest, cwd, env: whole } }
  const { stdout, status, error } = spawnSync(process.execPath, [childProgram('decide')], {
    input: JSON.stringify(task),
    env: { ...cleaned(env), ...ownPlace() },
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
    maxBuffer: 2 ** 24,
    timeout: MOST_MS,
    windowsHide: true,
  })
  if (error || status !== 0 || stdout.length === 0) {
    const why = error?.message ?? `it ended with ${status}`
    throw new HoldfastError('defect', `the program that decides for synchronous callers: ${why}`)
  }
  const said = JSON.parse(stdout.toString()) as SyncAnswer
  if ('error' in said) throw thrownOf(said)
  return withUnset(said)
}
