import type { Outcome } from './draft.js'
import type { Need } from './needs.js'
import type { Project } from './project.js'

const PATH = 'holdfast.config.yaml'

const HEAD = `# What this project connects to; read by holdfast wait, doctor, check and run.
# Addresses stay in their variables: no secret belongs here.
`

/** The configuration: a target for each need, by its variable. */
export function planConfig(project: Project, needs: readonly Need[]): Outcome {
  const notes = needs
    .filter(({ assumed }) => assumed)
    .map(need => `set ${variableOf(need)}: nothing here names it yet`)
  if (project.config && project.config !== PATH)
    return { drafts: [], notes: [`${project.config} is the configuration already; it stays as it is`] }
  const before = project.tree.read(PATH)
  return {
    drafts: [{ path: PATH, part: 'config', before, after: textOf(needs) }],
    notes: before === undefined ? notes : [],
  }
}

const variableOf = ({ by }: Need): string => ('url' in by ? by.url : by.variables.join(', '))

function textOf(needs: readonly Need[]): string {
  // An address of several variables is no target that a file could name: the environment is asked for all of them.
  if (needs.some(({ by }) => 'family' in by && by.family === 'db')) return HEAD + discovered(needs)
  const lines = needs.map(need => {
    const url = 'url' in need.by ? `env:${need.by.url}` : 'postgres:// # by PGHOST and its family'
    return `  ${need.name}: ${url}\n`
  })
  return `${HEAD}targets:\n${lines.join('')}`
}

/** What each of Django's variables holds. A password may be empty, and a port left out. */
const TYPES: Readonly<Record<string, string>> = {
  DB_PORT: '{ type: port, required: false }',
  DB_PASSWORD: '{ required: false }',
}

function discovered(needs: readonly Need[]): string {
  const entries = needs.flatMap(({ by }) =>
    'url' in by
      ? [`  ${by.url}: { type: url }\n`]
      : by.variables.map(name => `  ${name}: ${TYPES[name] ?? '{ type: string }'}\n`),
  )
  return `# There are no targets, so that they are found in these variables.
environment:
${entries.join('')}`
}
