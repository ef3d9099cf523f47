import { HoldfastError, usage } from '../../core/errors.js'
import { decideSync } from '../decide.js'
import { enter } from '../environment.js'
import { closeKeeper } from '../keeper/client.js'
import { refusalIn } from '../refused.js'
import { handedOn, ROOT_VARIABLE, runOf } from '../run.js'

/**
 * The set-up of a whole run: `node --require holdfast/node-test/setup --test` decides once about all services of the
 * configuration, before any file, and says which are real. Where one is there and broken it ends the process with the advice and
 * the status of `holdfast test`. When all files have ended, so have the stand-ins. Done when this module is loaded, without
 * waiting: `--require` can, and `--import` is heeded by the processes of the files alone.
 */
export function setUp(): void {
  const run = runOf()
  enter(handedOn(run))
  process.once('beforeExit', () => void closeKeeper(run, process.env))
  try {
    const provided = decideSync([])
    const refusal = refusalIn(provided)
    if (refusal) throw refusal
    for (const { name, decision, message } of provided)
      process.stderr.write(`holdfast: ${name}: ${decision}: ${message}\n`)
  } catch (error) {
    if (!HoldfastError.is(error)) throw error
    process.stderr.write(`holdfast: ${error.message}\n`)
    process.exit(error.exitStatus)
  }
}

if (process.env.NODE_TEST_CONTEXT === undefined) {
  if (process.execArgv.includes('--test')) setUp()
} else if (process.env[ROOT_VARIABLE] === undefined) {
  throw usage(
    'node --test heeds --import in the files alone: write node --require holdfast/node-test/setup --test',
  )
}
