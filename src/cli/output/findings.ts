import { appendFileSync } from 'node:fs'
import type { Concern, Level } from '../../core/concern.js'
import type { Settlement } from '../../start/check.js'
import type { Checked } from '../../start/subject.js'
import { version } from '../version.js'
import { cell, defused, escapeData, escapeProperty } from './github.js'
import type { Paint } from './paint.js'

/** What `holdfast check` found. */
export interface Findings {
  readonly subject: Checked
  readonly settled: Settlement
  readonly deploy: boolean
  readonly durationMs: number
}

/** The document of `--json`, by schema/output.schema.json. */
export const documentOf = ({ subject, settled, durationMs }: Findings): object => ({
  holdfast: version(),
  verb: 'check',
  schema: 1,
  ok: !settled.failed,
  exitStatus: settled.exitStatus,
  durationMs,
  targets: subject.targets.map(({ target: { name, service, address, source } }) => ({
    name,
    service,
    address,
    source,
  })),
  findings: [...settled.counted, ...settled.silenced],
})

const MARK: Readonly<Record<Level, string>> = { error: '✗', warning: '!', info: 'i' }
const WORST: readonly Level[] = ['error', 'warning', 'info']

const paintOf = (level: Level, paint: Paint) =>
  ({ error: paint.bad, warning: paint.warn, info: (text: string) => text })[level]

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`

/** Where no target is concerned: the file or the environment. */
function groupOf({ target, where = '' }: Concern): string {
  if (target) return target
  return where.startsWith('env:')
    ? 'environment'
    : /^(argument|configuration)$/.test(where) || !where
      ? 'configuration'
      : where.replace(/:.*$/s, '')
}

/** For people: grouped by target or file, the worst first, the verdict last. */
export function text(found: Findings, how: { verbose: boolean; quiet: boolean }, paint: Paint): string {
  const { counted, silenced, failing } = found.settled
  const shown = how.quiet ? failing : how.verbose ? [...counted, ...silenced] : counted
  const groups = new Map<string, Concern[]>()
  for (const one of shown) groups.set(groupOf(one), [...(groups.get(groupOf(one)) ?? []), one])
  const addresses = new Map(found.subject.targets.map(({ target }) => [target.name, target.address]))
  const lines = [...groups].flatMap(([name, concerns]) => [
    paint.dim(`${name}${addresses.has(name) ? `  ${addresses.get(name)}` : ''}`),
    ...WORST.flatMap(level => concerns.filter(one => one.level === level)).flatMap(one =>
      linesOf(one, paint),
    ),
  ])
  return `${[...lines, verdict(found, paint)].join('\n')}\n`
}

function linesOf({ id, level, message, advice, fix, where, silenced }: Concern, paint: Paint): string[] {
  const head = `  ${silenced ? '–' : MARK[level]} ${id}: ${message}${where ? ` (${where})` : ''}`
  if (silenced) return [paint.dim(head), paint.dim(`    silenced: ${silenced}`)]
  return [
    paintOf(level, paint)(head),
    ...(advice ? [`    → ${advice}`] : []),
    ...(fix ? fix.split('\n').map(line => `      ${defused(line)}`) : []),
  ]
}

function verdict({ subject, settled, deploy }: Findings, paint: Paint): string {
  const { counted, silenced, failed, exitStatus } = settled
  const numbers = WORST.flatMap(level => {
    const n = counted.filter(one => one.level === level).length
    return n === 0 ? [] : [level === 'info' ? `${n} info` : count(n, level)]
  })
  const what = `${count(subject.targets.length, 'target')}${deploy ? ', for production' : ''}`
  const quiet = silenced.length > 0 ? `, ${silenced.length} silenced` : ''
  const said = `${numbers.length > 0 ? numbers.join(', ') : 'nothing found'}${quiet}`
  const end = exitStatus === 78 ? '; the configuration cannot be used' : ''
  return (failed ? paint.bad : paint.good)(
    `holdfast: ${failed ? 'failed' : 'passed'}: ${said} (${what})${end}`,
  )
}

/** GitHub's words for levels. Source: docs.github.com, "Workflow commands for GitHub Actions". */
const COMMAND: Readonly<Record<Level, string>> = { error: 'error', warning: 'warning', info: 'notice' }

/** One annotation for each finding, at its line where a file is concerned. */
export const annotations = ({ settled }: Findings): string =>
  settled.counted
    .map(({ id, level, message, advice, where = '', target }) => {
      const [, file, line, col] = /^(.+?):(\d+):(\d+)$/.exec(where) ?? []
      const place = file ? `file=${escapeProperty(file)},line=${line},col=${col},` : ''
      const title = escapeProperty(`holdfast: ${target ? `${target}: ` : ''}${id}`)
      const body = escapeData(
        `${message}${file || !where ? '' : ` (${where})`}${advice ? ` → ${advice}` : ''}`,
      )
      return `::${COMMAND[level]} ${place}title=${title}::${body}\n`
    })
    .join('')

/** Appends the findings to the step's summary; a summary that cannot be written is no failure. */
export function summarize(file: string, { settled }: Findings): void {
  const { counted, silenced, failed } = settled
  const rows = [...counted, ...silenced].map(
    ({ id, level, message, advice = '', where = '', silenced: why }) =>
      `| ${[why ? `silenced: ${why}` : level, id, message, where, advice].map(cell).join(' | ')} |`,
  )
  const head = '| level | finding | what | where | what to do |\n|---|---|---|---|---|'
  try {
    appendFileSync(
      file,
      `### holdfast check: ${failed ? 'failed' : 'passed'}\n\n${rows.length > 0 ? `${head}\n${rows.join('\n')}\n\n` : ''}`,
    )
  } catch {
    // The runner took the file away.
  }
}
