import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import type { Reaper } from '../../io/reaper.js'
import { emptied, makeFromArchive } from '../owned/archive.js'
import { runProgram, tail } from '../owned/program.js'
import type { ServerUser } from '../owned/user.js'
import type { PostgresBinaries } from './binaries.js'

export interface ClusterOptions {
  readonly binaries: PostgresBinaries
  readonly user?: ServerUser | undefined
  /** Where the cluster shall be; made here. */
  readonly data: string
  /** Holds the cached clusters; made where it is missing. */
  readonly cache: string
  readonly signal: AbortSignal
  readonly reaper: Reaper
}

/** Trust over the socket, which lies in a directory of mode 0700; passwords over TCP, and only from this machine. */
const INITDB = [
  ...['--no-sync', '--auth-local=trust', '--auth-host=scram-sha-256', '--username=postgres'],
  // Segments of 1 MB instead of 16 make every copy 15 MB smaller.
  ...['--encoding=UTF8', '--wal-segsize=1'],
]

/** Letters beyond ASCII are letters, and sorting is by code point. Systems without it get C, which is ASCII only. */
const LOCALES = ['C.UTF-8', 'C']

const SETUP = [
  'CREATE ROLE holdfast SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN;',
  'CREATE DATABASE holdfast OWNER holdfast;',
]

/**
 * Makes a cluster with the role and the database `holdfast`: unpacked from the cache (35 ms), else by initdb
 * (500 ms) and then put there. It has no password yet, so that nobody gets in over TCP. A cache that cannot be
 * written is done without.
 */
export async function makeCluster(options: ClusterOptions): Promise<void> {
  const archive = join(options.cache, archiveName(options.binaries))
  await makeFromArchive({ ...options, archive, proof: 'PG_VERSION' }, () => initialise(options))
}

/** Lets a server process run alone on the cluster, without a port, for `statements`; one a line. */
export async function runAlone(statements: readonly string[], options: ClusterOptions): Promise<void> {
  const { binaries, data, user, signal, reaper } = options
  const settings = [
    'fsync=off',
    'log_checkpoints=off',
    'exit_on_error=on',
    'password_encryption=scram-sha-256',
  ]
  const args = ['--single', ...settings.flatMap(setting => ['-c', setting]), '-D', data, 'postgres']
  const input = statements.map(statement => `${statement}\n`).join('')
  const postgres = join(binaries.bin, 'postgres')
  const { status, stderr } = await runProgram(postgres, args, { user, input, signal, reaper })
  // A statement with a password must not come back in a message.
  if (status !== 0)
    throw failed('postgres --single', stderr.replaceAll(/PASSWORD '[^']*'/g, "PASSWORD '***'"))
}

/** What a cluster depends on is in the name, so that another release of holdfast never meets an unfit one. */
function archiveName({ version, source, bin }: PostgresBinaries): string {
  // Two builds of one version may differ; their directories tell them apart, but not those of npm packages.
  const build = source === 'system' ? bin : ''
  const parts = [INITDB, LOCALES, SETUP, build, process.platform, process.arch]
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
  return `postgres-${version}-${source}-${hash}.tar`
}

async function initialise(options: ClusterOptions): Promise<void> {
  const { binaries, data, user, signal, reaper } = options
  let said = ''
  for (const locale of LOCALES) {
    const args = [...INITDB, `--locale=${locale}`, '-D', data]
    const { status, stderr } = await runProgram(join(binaries.bin, 'initdb'), args, { user, signal, reaper })
    if (status === 0) return runAlone(SETUP, options)
    said = stderr
    await emptied(options)
    if (!/locale/i.test(stderr)) break
  }
  throw failed('initdb', said)
}

const failed = (program: string, stderr: string) =>
  new HoldfastError(
    'config',
    `PostgreSQL's ${program} failed, so there is no stand-in. It said:\n${tail(stderr)}`,
  )
