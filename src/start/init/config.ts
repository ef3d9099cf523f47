import { URL_VARIABLES } from '../../gate/variables.js'
import type { Outcome } from './draft.js'
import type { Need } from './needs.js'
import type { Project } from './project.js'
import { type Standing, standingOf, variablesOf } from './standing.js'

const PATH = 'holdfast.config.yaml'

const HEAD = `# What this project connects to; read by holdfast wait, doctor, check and run.
# Addresses stay in their variables: no secret belongs here.
`

interface Rated {
  readonly need: Need
  /** Of the variable that says where it is. */
  readonly standing: Standing
}

/** The configuration: a target for each need whose variable is there, by that variable; the others as comments. */
export function planConfig(project: Project, needs: readonly Need[]): Outcome {
  if (project.config && project.config !== PATH)
    return { drafts: [], notes: [`${project.config} is the configuration already; it stays as it is`] }
  const standing = standingOf(project, needs)
  const rated = needs.map(need => ({ need, standing: standing(leading(need)) }))
  const before = project.tree.read(PATH)
  const discovered = isDiscovered(rated)
  const after = HEAD + (discovered ? environmentText(rated, standing) : targetsText(rated))
  const left = rated.filter(one => !isActive(one, discovered) && !isWritten(before, one.need))
  return {
    drafts: [{ path: PATH, part: 'config', before, after }],
    notes: left.map(one => noteOf(one, project)),
  }
}

const leading = ({ by }: Need): string => ('url' in by ? by.url : by.family === 'pg' ? 'PGHOST' : 'DB_HOST')

const isFound = ({ by }: Need): boolean =>
  'family' in by || (URL_VARIABLES as readonly string[]).includes(by.url)

/**
 * Whether the environment shall be asked instead of targets: an address of several variables is no target that a file
 * could name, and a target whose variable is missing would be an error.
 */
function isDiscovered(rated: readonly Rated[]): boolean {
  const live = rated.filter(({ standing }) => standing !== 'unnamed')
  return (
    live.length === 0 ||
    live.some(({ need: { by } }) => 'family' in by && by.family === 'db') ||
    (live.some(({ standing }) => standing === 'perhaps') && live.every(({ need }) => isFound(need)))
  )
}

const isActive = ({ standing }: Rated, discovered: boolean): boolean =>
  standing === 'set' || (discovered && standing === 'perhaps')

/** Somebody has put it into the file that is there. */
const isWritten = (text: string | undefined, need: Need): boolean =>
  (text ?? '').split('\n').some(line => !/^\s*#/.test(line) && line.includes(leading(need)))

function noteOf({ need, standing }: Rated, { variables }: Project): string {
  const name = leading(need)
  const host = `${need.kind.toUpperCase()}_HOST`
  const why =
    standing === 'perhaps'
      ? `not every program is given ${name}`
      : variables.has(host)
        ? `${host} is no address that holdfast reads, and nothing sets or reads ${name}`
        : `nothing sets or reads ${name}`
  return `${need.name}: ${why}, so that ${PATH} does not require it; where the program is given ${name}, write it there`
}

function targetsText(rated: readonly Rated[]): string {
  const lines = rated.map(one => {
    const { name, by } = one.need
    const line = `${name}: ${'url' in by ? `env:${by.url}` : 'postgres:// # by PGHOST and its family'}\n`
    return isActive(one, false) ? `  ${line}` : `  # ${line}`
  })
  const none = rated.some(one => isActive(one, false)) ? '' : NONE
  return `targets:${none}\n${lines.join('')}`
}

const NONE = ' {} # without {} once a line below it is in use'

const TYPES: Readonly<Record<string, string>> = { DB_PORT: 'port', PGPORT: 'port' }
/** A password may be empty, and a port left out. */
const OPTIONAL = /PORT$|PASSWORD$/

function environmentText(rated: readonly Rated[], standing: (name: string) => Standing): string {
  const entries = rated.flatMap(one =>
    variablesOf(one.need).map(name => {
      const type = 'url' in one.need.by ? 'url' : (TYPES[name] ?? 'string')
      const required = standing(name) !== 'perhaps' && !OPTIONAL.test(name)
      const line = `${name}: { type: ${type}${required ? '' : ', required: false'} }\n`
      return isActive(one, true) ? `  ${line}` : `  # ${line}`
    }),
  )
  const none = rated.some(one => isActive(one, true)) ? '' : NONE
  return `# There are no targets, so that they are found in these variables.\nenvironment:${none}\n${entries.join('')}`
}
