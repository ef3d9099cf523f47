import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import type { Env } from '../../gate/variables.js'
import { clearTimeout, setTimeout, systemClock } from '../../io/clock.js'
import { type FileLock, takeLock } from '../../io/lockfile.js'
import { childProgram } from '../../io/programs.js'
import { type Being, isAlive, type Run, runOf } from '../run.js'
import { type KeeperRecord, keeperIn, lockIn, makeRunDirectory, runDirectory } from './directory.js'
import { type Failure, type StandInAnswer, type StandInRequest, thrownOf } from './wire.js'

/** The socket of the keeper that `holdfast test` hosts. */
export const KEEPER_VARIABLE = 'HOLDFAST_KEEPER'

const START_MS = 20_000

/** How often those that wait for another worker's keeper look, in milliseconds. */
const TURN_MS = 15

/** Variables of test runners and loaders, by which a Node program behaves as one of their workers. */
const RUNNERS = /^(NODE_(?!EXTRA_CA_CERTS)|VITEST|JEST|TINYPOOL|TEST$|TSX|TS_NODE|NYC_|BABEL_|SWC)/

/** An environment without what makes a Node program part of a test run. */
export const cleaned = (env: Env): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(env).filter(([name]) => !RUNNERS.test(name))),
  // Node adds it unless it is named.
  NODE_V8_COVERAGE: undefined,
})

/** The temporary folder is that of this process, whatever the environment is that a caller gives. */
export const ownPlace = (): NodeJS.ProcessEnv => ({ TMPDIR: process.env.TMPDIR })

/** The socket of this run's keeper, which is started where there is none: once, however many workers ask. */
export async function findKeeper(run: Run, env: Env, signal: AbortSignal): Promise<string> {
  const hosted = hostedIn(env)
  if (hosted) return hosted
  for (;;) {
    // Again in each turn: a keeper that ends takes the directory with it.
    const directory = makeRunDirectory(run.root)
    const running = () => keeperIn(directory)?.socket
    const lock = running() ?? lockOf(directory)
    if (typeof lock === 'string') return lock
    if (lock) {
      try {
        return running() ?? (await startKeeper(run.root, env))
      } finally {
        lock.release()
      }
    }
    await systemClock.sleep(TURN_MS, signal)
  }
}

/** The socket that `holdfast test` hands on, while its keeper lives: a daemon may have the variable of a run that has ended. */
function hostedIn(env: Env): string | undefined {
  const socket = env[KEEPER_VARIABLE]
  return socket && keeperIn(dirname(socket))?.socket === socket ? socket : undefined
}

/** The same for the run of this process, as isolation needs it: `{ socketPath: await keeperSocket() }`. */
export const keeperSocket = (
  env: Env = process.env,
  signal: AbortSignal = new AbortController().signal,
): Promise<string> => findKeeper(runOf(env), env, signal)

/** Undefined where another process has it, or the directory has gone in this moment. */
function lockOf(directory: string): FileLock | undefined {
  try {
    return takeLock(lockIn(directory), START_MS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return undefined
  }
}

/** The keeper that is there, `holdfast test` itself included. */
export const keeperOf = (run: Run): KeeperRecord | undefined => keeperIn(runDirectory(run.root))

export const askForStandIn = (
  socket: string,
  asked: StandInRequest,
  signal: AbortSignal,
): Promise<StandInAnswer> => ask<StandInAnswer>(socket, '/stand-ins', asked, signal)

/** Ends the keeper of a run, with all that it keeps; one that `holdfast test` hosts ends with that. */
export async function closeKeeper(run: Run, env: Env): Promise<void> {
  const keeper = hostedIn(env) ? undefined : keeperIn(runDirectory(run.root))
  if (!keeper) return
  await ask(keeper.socket, '/close', {}, AbortSignal.timeout(START_MS)).catch(error => {
    // Gone in this moment is what was wanted.
    if (isAlive(keeper)) throw error
  })
}

function startKeeper(root: Being, env: Env): Promise<string> {
  const child = spawn(process.execPath, [childProgram('keeper'), `${root.pid}`, root.started], {
    cwd: '/',
    env: { ...cleaned(env), ...ownPlace() },
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => fail('said nothing'), START_MS)
    const settle = () => {
      clearTimeout(timer)
      child.removeAllListeners()
      child.on('error', () => {})
      child.stdout.destroy()
      child.unref()
    }
    const fail = (what: string) => {
      settle()
      child.kill('SIGKILL')
      reject(new HoldfastError('defect', `the keeper of stand-ins ${what}`))
    }
    child.once('error', error => fail(`could not be started: ${error.message}`))
    child.once('exit', status => fail(`ended with ${status}: ${text}`))
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (!text.endsWith('\n')) return
      const said = JSON.parse(text) as { socket: string } | Failure
      settle()
      if ('error' in said) reject(thrownOf(said))
      else resolve(said.socket)
    })
  })
}

/** One request on a connection of its own: none is left that would keep this process alive. */
function ask<T>(socketPath: string, path: string, body: object, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, method: 'POST', agent: false, signal }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => {
        const said = JSON.parse(text) as T | Failure
        if (response.statusCode === 200) resolve(said as T)
        else reject(thrownOf(said as Failure))
      })
    })
    asking.once('error', reject)
    asking.end(JSON.stringify(body))
  })
}
