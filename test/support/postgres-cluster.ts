/** Postgres' programs, and an initialised cluster that each server gets a copy of. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { publish, serverUser, tempFolder, testRoot } from './root.js'
import { runOk } from './run.js'

/** Holds what URLs, shells and regular expressions trip over, so that tests exercise encoding and redaction. */
export const APP_PASSWORD = 's3cret/@:p%w'

/** The path of one of Postgres' programs, of the newest major version here. */
export function postgresProgram(name: string): string {
  const base = '/usr/lib/postgresql'
  const majors = existsSync(base)
    ? readdirSync(base).filter(it => existsSync(join(base, it, 'bin', name)))
    : []
  const newest = majors.map(Number).sort((a, b) => b - a)[0]
  return newest === undefined ? name : join(base, String(newest), 'bin', name)
}

let made: Promise<string> | undefined

/**
 * A folder with a cluster that was shut down cleanly: superuser `postgres`, role `app` with a SCRAM
 * password, its database `app`. Made once a run by the first caller (0.4 s).
 */
export function clusterTemplate(): Promise<string> {
  made ??= make()
  return made
}

async function make(): Promise<string> {
  const folder = join(testRoot(), 'postgres-template')
  if (existsSync(folder)) return folder
  const draft = tempFolder('postgres-draft', { forServer: true })
  const { uid, gid } = serverUser() ?? {}
  const as = uid === undefined || gid === undefined ? {} : { uid, gid }
  const data = ['-D', draft]
  // Segments of 1 MB keep a copy small.
  const options = ['--no-sync', '--locale=C', '--encoding=UTF8', '--wal-segsize=1', '--no-instructions']
  await runOk(postgresProgram('initdb'), ['--username=postgres', '--auth=trust', ...options, ...data], as)
  const input = `create role app login password '${APP_PASSWORD}';\ncreate database app owner app;\n`
  const quick = ['-c', 'fsync=off', '-c', 'password_encryption=scram-sha-256']
  await runOk(postgresProgram('postgres'), ['--single', ...quick, ...data, 'postgres'], { input, ...as })
  publish(draft, folder)
  return folder
}

/** Copies the template with its owners. */
export async function newCluster(folder: string): Promise<void> {
  await runOk('cp', ['-a', await clusterTemplate(), folder])
}

/**
 * Frees the System V segment that a killed postmaster leaves behind (its pid file names it). Call it only
 * when every process of the cluster is dead.
 */
export async function freeSharedMemory(cluster: string): Promise<void> {
  const file = join(cluster, 'postmaster.pid')
  if (!existsSync(file)) return
  const id = readFileSync(file, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1]
  if (id) await runOk('ipcrm', ['-m', id]).catch(() => {})
  rmSync(file)
}
