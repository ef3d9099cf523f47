import { existsSync, type Stats, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { usage } from '../core/errors.js'
import { redactAddress, redactPath, Secret } from '../core/redact.js'

/** Where a journal is kept. */
export type Place = Nowhere | Files | Table

export interface Nowhere {
  readonly kind: 'off'
}

export interface Files {
  readonly kind: 'files'
  /** A folder with a file for each day, or one file whose name ends in `.ndjson`. */
  readonly path: string
  /** Whether the user asked for this place: it not being writable is worth a warning then. */
  readonly named: boolean
}

/** The table `holdfast_journal` of a PostgreSQL database. */
export interface Table {
  readonly kind: 'table'
  readonly url: Secret
  /** For people. */
  readonly address: string
  /** Takes the records while the table cannot. */
  readonly fallback: Files
}

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** The working directory. */
  readonly cwd: string
  /** The configuration's file, where there is one. */
  readonly configFile?: string | undefined
}

/**
 * By HOLDFAST_JOURNAL, else by `journal` of the configuration, else `.holdfast/journal` in the project: a folder, a file
 * `*.ndjson`, a postgres URL, `env:VARIABLE` (as if it were not there while the variable is not set), or `off`.
 *
 * @throws HoldfastError (usage) for the URL of anything else.
 */
export function placeOf(configured: string | undefined, around: Surroundings): Place {
  const { env, cwd, configFile } = around
  if (env.HOLDFAST_JOURNAL) return named(env.HOLDFAST_JOURNAL, 'HOLDFAST_JOURNAL', cwd, around)
  if (configured) return named(configured, 'journal', configFile ? dirname(configFile) : cwd, around)
  return ofProject(around)
}

/**
 * Where a journal is that is named to be read.
 *
 * @throws HoldfastError (usage) for what is not there, or cannot be a journal.
 */
export function placeGiven(text: string, around: Surroundings): Place {
  const variable = /^env:(.*)$/.exec(text)?.[1]
  if (variable !== undefined && !around.env[variable])
    throw usage(`"${text}" is not a journal: the variable is not set`)
  const place = named(text, 'journal', around.cwd, around)
  if (place.kind !== 'files') return place
  const stat = statSync(place.path, { throwIfNoEntry: false })
  const why = !stat
    ? 'there is no such file or folder'
    : !isReadable(stat)
      ? 'it is no file and no folder'
      : ''
  if (why) throw usage(`"${redactPath(text)}" is not a journal: ${why}`)
  return place
}

/** A pipe would be waited for, a device may have no end. */
export const isReadable = (stat: Stats): boolean => stat.isFile() || stat.isDirectory()

function named(text: string, option: string, base: string, around: Surroundings): Place {
  const variable = /^env:([A-Za-z_]\w*)$/.exec(text)?.[1]
  if (variable !== undefined) {
    const value = around.env[variable]
    return value && !/^env:/.test(value) ? named(value, variable, around.cwd, around) : ofProject(around)
  }
  if (text === 'off') return { kind: 'off' }
  if (/^postgres(ql)?:\/\//i.test(text))
    return { kind: 'table', url: new Secret(text), address: redactAddress(text), fallback: ofProject(around) }
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) && !/^[a-z]:[\\/]/i.test(text))
    throw usage(
      `${option}: "${redactAddress(text)}" is not a journal; give a folder, a postgres:// URL, env:VARIABLE or off`,
    )
  return { kind: 'files', path: resolve(base, text), named: true }
}

const ofProject = ({ cwd, configFile }: Surroundings): Files => ({
  kind: 'files',
  path: join(configFile ? dirname(configFile) : projectFolder(cwd), '.holdfast', 'journal'),
  named: false,
})

const CONFIGURATIONS = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(
  kind => `holdfast.config.${kind}`,
)

/** What lies at the root of a project: of its version control, else of its language. */
const REPOSITORY = ['.git', '.hg', '.jj']
const MARKS = [
  REPOSITORY,
  [
    'package.json',
    'pyproject.toml',
    'go.mod',
    'Cargo.toml',
    'Gemfile',
    'pom.xml',
    'build.gradle',
    'composer.json',
  ],
]

/** The nearest folder from `cwd` upwards with a configuration, else with a mark of a project; else `cwd`. */
export function projectFolder(cwd: string): string {
  for (const names of [CONFIGURATIONS, ...MARKS]) {
    const found = nearestWith(names, cwd)
    if (found) return found
  }
  return resolve(cwd)
}

/** What suites are named from: the repository, so that its packages' suites stay apart, else the project. */
export const suitesFolder = (cwd: string, configFile?: string): string =>
  nearestWith(REPOSITORY, cwd) ?? (configFile ? dirname(resolve(cwd, configFile)) : projectFolder(cwd))

function nearestWith(names: readonly string[], folder: string): string | undefined {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (names.some(name => existsSync(join(at, name)))) return at
    if (at === dirname(at)) return undefined
  }
}
