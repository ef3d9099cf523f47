import { randomBytes, randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { HoldfastError } from '../../core/errors.js'
import { systemClock } from '../../io/clock.js'
import type { Reaper } from '../../io/reaper.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { cacheDirectory, type Environment, makeRunDirectory, temporaryRoots } from './directories.js'
import { sweepLeftovers } from './sweep.js'
import type { ServerUser } from './user.js'

/** A server that was started. */
export interface Owned {
  stop(): Promise<void>
  /** Where it is noticed: resolves once the server is gone, however that came. */
  readonly ended?: Promise<unknown>
}

/** What every start of a stand-in has around it. */
export interface Frame {
  readonly user: ServerUser | undefined
  /** All that stays behind. Not made here. */
  readonly cache: string
  readonly env: Environment
  readonly cwd: string
  /** Ends the start: the caller's signal, or the time-out. */
  readonly signal: AbortSignal
  readonly reaper: Reaper
  readonly nextPort: () => number
  /** 256 bits, in characters that need no escape anywhere. */
  readonly password: string
  /** Makes the server's own directory, mode 0700, for `user`; removed by `close`. */
  makeDirectory(): string
  /** Hands over what `close` ends, before the directory goes. */
  owns(server: Owned): void
}

export interface FrameSettings {
  /** For messages: `PostgreSQL`. */
  readonly product: string
  /** Names the directory: `holdfast-pg-XXXXXX`. */
  readonly short: string
  readonly user?: ServerUser | undefined
}

const START_TIMEOUT_MS = 30_000

/**
 * Runs `start` under a time-out, after removing what killed processes left; whatever it began is ended where it
 * fails, and by `close`.
 */
export async function startInFrame<Described extends object>(
  options: StandInOptions,
  { product, short, user }: FrameSettings,
  start: (frame: Frame) => Promise<Described>,
): Promise<Described & Pick<StandIn, 'startedMs' | 'close' | 'ended'>> {
  const began = performance.now()
  const { env = process.env, cwd = process.cwd(), reaper, timeoutMs = START_TIMEOUT_MS } = options
  const deadline = systemClock.deadline(timeoutMs)
  const signal = AbortSignal.any([options.signal, deadline.signal])
  let dir: string | undefined
  let server: Owned | undefined
  const close = async () => {
    await server?.stop()
    if (!dir) return
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    reaper.release(dir)
  }
  try {
    signal.throwIfAborted()
    const cache = cacheDirectory(env)
    void sweepLeftovers([...temporaryRoots(options.tmp), cache], user).catch(() => {})
    const described = await start({
      ...{ user, cache, env, cwd, signal, reaper },
      nextPort: options.nextPort ?? randomPort,
      password: randomBytes(32).toString('base64url'),
      makeDirectory() {
        dir = makeRunDirectory({ ...options, short, user })
        return dir
      },
      owns(started) {
        server = started
      },
    })
    signal.throwIfAborted()
    return { ...described, startedMs: performance.now() - began, close, ended: server?.ended }
  } catch (error) {
    await close()
    if (!deadline.signal.aborted || options.signal.aborted) throw error
    const what = `${product} did not start within ${timeoutMs} ms. Is the machine overloaded, or the disk full?`
    throw new HoldfastError('config', what, { cause: error })
  } finally {
    deadline.clear()
  }
}

/** Outgoing connections get ports from 32768 (Linux) or 49152: a restarted server finds its own still free. */
const randomPort = () => randomInt(20_000, 32_768)
