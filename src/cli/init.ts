import { statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { isatty } from 'node:tty'
import { EXIT, nearest, usage } from '../core/errors.js'
import { redactPath } from '../core/redact.js'
import { SCHEMES } from '../services/registry.js'
import { PARTS, type Part } from '../start/init/draft.js'
import { LOOKED_FOR } from '../start/init/languages.js'
import { type Plan, type PlannedFile, planInit } from '../start/init/plan.js'
import { writeAll } from '../start/init/write.js'
import type { Call, Values } from './call.js'
import { type Paint, paintFor } from './output/paint.js'
import { version } from './version.js'

/** `holdfast init` */
export async function initVerb({ targets, values }: Call): Promise<number> {
  const json = checkValues(values)
  const folder = folderOf(targets)
  const plan = planInit(folder, { schemes: SCHEMES, only: partsOf(values), force: values.flag('force') })
  const files = plan.files.filter(({ action }) => action !== 'unchanged' && action !== 'kept')
  const shown = relative(process.cwd(), folder) || '.'
  if (!plan.found) {
    const seen =
      plan.seen.length > 0 ? ` It has ${plan.seen.join(', ')}, and none of it names a service.` : ''
    const problems = plan.notes.map(note => `\n  ${note}`).join('')
    throw usage(
      `${redactPath(shown)}: nothing here connects to a service.${seen} Looked for ${LOOKED_FOR}; give the project's folder: holdfast init DIR${problems}`,
    )
  }
  const say = (text: string) => process.stderr.write(`${text}\n`)
  if (!json) tell(plan, files, values.flag('quiet'), paintFor(process.env, isatty(2)), say)
  const end = (status: number, written: boolean, last: string) => {
    if (json) process.stdout.write(`${JSON.stringify(documentOf(plan, status, written), undefined, 2)}\n`)
    if (!values.flag('quiet') || status !== EXIT.ok) say(`holdfast: ${last}`)
    return status
  }
  if (files.length === 0) return end(EXIT.ok, false, nothingToWrite(plan))
  if (values.flag('dry-run')) return end(EXIT.ok, false, 'nothing was written: --dry-run')
  if (!values.flag('yes') && !(await agreed(json, files.length)))
    return end(EXIT.findings, false, 'nothing was written; --yes writes it')
  writeAll(folder, files)
  return end(EXIT.ok, true, `wrote ${files.map(({ path }) => path).join(', ')}`)
}

function nothingToWrite({ files }: Plan): string {
  const kept = files.flatMap(({ action, path }) => (action === 'kept' ? [path] : []))
  if (kept.length === 0) return 'nothing to write: everything is there'
  const names = kept.join(', ')
  return `nothing was written: kept for other content than init would write: ${names}; --force replaces it`
}

/** Whether to print JSON. */
function checkValues(values: Values): boolean {
  for (const name of ['junit', 'config'] as const)
    if (values.text(name)) throw usage(`--${name}: init takes none; leave it out`)
  const format = values.text('format') ?? 'text'
  if (format !== 'text' && format !== 'json')
    throw usage(`--format: "${format}" is none of init's: text, json`)
  if (values.flag('yes') && values.flag('dry-run'))
    throw usage('--yes contradicts --dry-run; give one of them')
  return values.flag('json') || format === 'json'
}

function partsOf(values: Values): Part[] {
  const parts = values
    .list('only')
    .flatMap(list => list.split(','))
    .map(name => name.trim())
  for (const part of parts) {
    if ((PARTS as readonly string[]).includes(part)) continue
    const near = nearest(part, PARTS)
    throw usage(`--only: "${part}" is not one of ${PARTS.join(', ')}${near ? `; did you mean ${near}?` : ''}`)
  }
  return parts.length > 0 ? (parts as Part[]) : [...PARTS]
}

function folderOf(targets: readonly string[]): string {
  if (targets.length > 1) throw usage(`init takes one DIR, not ${targets.length}`)
  const [given = '.'] = targets
  const folder = resolve(given)
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (!stat?.isDirectory())
    throw usage(
      `${redactPath(given)}: ${stat ? 'it is no folder' : 'there is no such folder'}; give the project's folder: holdfast init DIR`,
    )
  return folder
}

function tell(
  plan: Plan,
  files: readonly PlannedFile[],
  quiet: boolean,
  paint: Paint,
  say: (text: string) => void,
): void {
  if (quiet) return
  say(`holdfast: found ${plan.seen.join(', ')}`)
  for (const { diff } of files) say(`\n${coloured(diff.trimEnd(), paint)}`)
  if (files.length > 0) say('')
  for (const { path, action } of plan.files) say(`  ${action.padEnd(9)}  ${path}`)
  for (const note of plan.notes) say(`  ${paint.warn('note')}       ${note}`)
}

const coloured = (diff: string, paint: Paint): string =>
  diff
    .split('\n')
    .map(line =>
      line.startsWith('+')
        ? paint.good(line)
        : line.startsWith('-')
          ? paint.bad(line)
          : line.startsWith('@')
            ? paint.dim(line)
            : line,
    )
    .join('\n')

/** Asks on a terminal; nowhere else. */
async function agreed(json: boolean, count: number): Promise<boolean> {
  if (json || !isatty(0) || !isatty(2)) return false
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const closed = new Promise<string>(resolve => terminal.once('close', () => resolve('')))
  try {
    const asked = terminal.question(`Write ${count === 1 ? 'this file' : `these ${count} files`}? [y/N] `)
    return /^y(es)?$/i.test((await Promise.race([asked.catch(() => ''), closed])).trim())
  } finally {
    terminal.close()
  }
}

const documentOf = (plan: Plan, exitStatus: number, written: boolean): object => ({
  holdfast: version(),
  verb: 'init',
  schema: 1,
  ok: exitStatus === EXIT.ok,
  exitStatus,
  written,
  found: plan.seen,
  files: plan.files.map(({ path, part, action, diff }) => ({ path, part, action, diff })),
  notes: plan.notes,
})
