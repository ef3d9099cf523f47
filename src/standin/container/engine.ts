import { basename, isAbsolute } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { formatMs } from '../../core/options.js'
import { systemClock } from '../../io/clock.js'
import { executable } from '../../io/files.js'
import type { Reaper } from '../../io/reaper.js'
import type { Environment } from '../owned/directories.js'
import { findProgram } from '../owned/find.js'
import { type Outcome, runProgram, tail } from '../owned/program.js'

/** Every container that holdfast makes has it; its value tells by which process. */
export const LABEL = 'io.holdfast.owner'

/** How long an engine may take to say what there is, in milliseconds. */
const ANSWER_MS = 10_000

/** What all calls of one start share. */
export interface Calls {
  readonly env: Environment
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

export interface CallOptions {
  /** Default 10,000. */
  readonly limitMs?: number
  /** For the engine, which hands on what `--env NAME` names. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: that of the start. */
  readonly signal?: AbortSignal
}

/** The command line of docker or podman. */
export class Engine {
  readonly name: string

  constructor(
    readonly file: string,
    readonly calls: Calls,
  ) {
    this.name = basename(file)
  }

  /** Runs it to its end, whatever its status. An engine that hangs is an error like one that fails to start. */
  async run(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
    const { env, reaper } = this.calls
    const { limitMs = ANSWER_MS, signal = this.calls.signal } = options
    const limit = systemClock.deadline(limitMs)
    try {
      return await runProgram(this.file, args, {
        env: { ...env, ...options.env },
        signal: AbortSignal.any([signal, limit.signal]),
        reaper,
      })
    } catch (error) {
      signal.throwIfAborted()
      const why = limit.signal.aborted ? `did not end within ${formatMs(limitMs)}` : String(error)
      throw new HoldfastError('config', `${this.name} ${args[0]}: ${why}`)
    } finally {
      limit.clear()
    }
  }

  /** Its standard output. @throws HoldfastError with what it said where it fails. */
  async must(args: readonly string[], options?: CallOptions): Promise<string> {
    const { status, stdout, stderr } = await this.run(args, options)
    if (status === 0) return stdout.trim()
    throw new HoldfastError('config', `${this.name} ${args[0]}: ${tail(stderr || stdout, 3)}`)
  }
}

export interface Found {
  readonly engine: Engine
  /** Ids of all containers that holdfast processes made. */
  readonly ours: readonly string[]
}

/**
 * The first of docker and podman that is there and answers, or the one that HOLDFAST_CONTAINER names.
 *
 * @throws HoldfastError that says what was looked for, and why it will not do.
 */
export async function findEngine(calls: Calls): Promise<Found> {
  const named = calls.env.HOLDFAST_CONTAINER
  const looked: string[] = []
  for (const name of named ? [named] : ['docker', 'podman']) {
    try {
      const engine = new Engine(programFor(calls.env, name), calls)
      const said = await engine.must(['ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${LABEL}`])
      return { engine, ours: said.split('\n').filter(line => /^[0-9a-f]+$/.test(line)) }
    } catch (error) {
      calls.signal.throwIfAborted()
      if (!HoldfastError.is(error)) throw error
      looked.push(error.message)
    }
  }
  const own = named ? '' : '; HOLDFAST_CONTAINER names another engine'
  throw new HoldfastError('config', `there is no container engine (${looked.join('; ')}${own})`)
}

function programFor(env: Environment, name: string): string {
  if (!name.includes('/')) return findProgram(env, [name])
  if (isAbsolute(name) && executable(name)) return name
  throw new HoldfastError('config', `HOLDFAST_CONTAINER=${name}: there is no such program`)
}
