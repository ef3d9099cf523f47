import { type Concern, reaches } from '../../core/concern.js'
import { formatMs } from '../../core/options.js'
import type { Checkup, Examination } from '../../gate/doctor/checkup.js'
import { EXAMINATIONS } from '../../gate/doctor/checkup.js'
import type { DoctorEnding } from './doctor-ending.js'
import { outcomeOf } from './doctor-json.js'
import { defused } from './github.js'
import { type LayerTime, layersOf, reached } from './layers.js'
import type { Paint } from './paint.js'

/** The table, what is wrong with each target, and one line that says how it ended; with `all` also what is right. */
export function reportOf(
  { checkups, exitStatus, durationMs }: DoctorEnding,
  paint: Paint,
  all: boolean,
): string {
  return [
    ...tableOf(checkups, paint),
    ...checkups.flatMap(checkup => [
      ...(all ? everythingOf(checkup, paint) : []),
      ...wrongOf(checkup, paint, all),
    ]),
    ...hiddenOf(checkups, paint, all),
    verdictOf(checkups, exitStatus, durationMs, paint),
  ].join('\n')
}

function hiddenOf(checkups: readonly Checkup[], paint: Paint, all: boolean): string[] {
  const hidden = all ? 0 : checkups.flatMap(({ concerns }) => concerns.filter(one => !isShown(one))).length
  return hidden > 0 ? [paint.dim(`  --all shows ${hidden} more`)] : []
}

/** Without --all. */
const isShown = ({ level }: Concern): boolean => reaches(level, 'warning')

function tableOf(checkups: readonly Checkup[], paint: Paint): string[] {
  const head = ['target', ...EXAMINATIONS, 'passed', 'reached', 'server']
  const rows = checkups.map(checkup => [
    checkup.target.name,
    ...EXAMINATIONS.map(name => cellOf(checkup.examinations.find(({ examination }) => examination === name))),
    scoreOf(checkup),
    reached(outcomeOf(checkup)) || '–',
    serverOf(checkup),
  ])
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(cells => cells[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd()
  return [
    paint.dim(line(head)),
    ...rows.map((cells, i) => (isSound(checkups[i]) ? paint.good(line(cells)) : paint.bad(line(cells)))),
  ]
}

const serverOf = ({ facts: { product, version } }: Checkup): string =>
  [product, String(version ?? '').split(' ')[0]].filter(Boolean).join(' ') || '–'

const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const

const cellOf = (one: Examination | undefined): string =>
  !one ? '' : one.state === 'skipped' ? 'skipped' : `${MARKS[one.state]} ${formatMs(one.ms)}`

/** `5/5`, or `4/5, 1 skipped`. */
function scoreOf({ examinations }: Checkup): string {
  const count = (state: Examination['state']) => examinations.filter(one => one.state === state).length
  const skipped = count('skipped')
  return `${count('passed')}/${examinations.length}${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

const isSound = (checkup: Checkup | undefined): boolean =>
  !!checkup && !checkup.fault && !checkup.concerns.some(isGrave)

const isGrave = ({ level, silenced }: Concern): boolean => level === 'error' && silenced === undefined

/** Several steps of one layer on one connection are one line. */
function together(layers: readonly LayerTime[]): LayerTime[] {
  const lines: LayerTime[] = []
  for (const one of layers) {
    const last = lines.at(-1)
    const same = last && last.layer === one.layer && last.ok === one.ok && !/^(dns|tcp)$/.test(one.layer)
    if (!same || (one.address && last.address !== one.address)) lines.push(one)
    else {
      const detail = [last.detail, one.detail].filter(Boolean).join(', ')
      lines.splice(-1, 1, { ...last, ms: last.ms + one.ms, ...(detail ? { detail } : {}) })
    }
  }
  return lines
}

/** Layers, examinations and facts. */
function everythingOf({ target, verdict, examinations, facts }: Checkup, paint: Paint): string[] {
  const layers = together(layersOf(verdict)).map(({ layer, ok, ms, address, code, detail }) => {
    const text = ['   ', ok ? '✓' : '✗', layer.padEnd(10), formatMs(ms).padStart(8), address, detail, code]
    return text.filter(Boolean).join(' ')
  })
  const width = Math.max(0, ...Object.keys(facts).map(name => name.length))
  return [
    `  ${target.name}: ${target.address}, from ${target.source}`,
    ...layers,
    ...examinations.map(one => {
      const text = `    ${MARKS[one.state]} ${one.examination.padEnd(10)} ${formatMs(one.ms).padStart(8)} ${one.message}`
      return one.state === 'failed' ? paint.bad(text) : text
    }),
    ...Object.entries(facts).map(([name, value]) => paint.dim(`      ${name.padEnd(width)}  ${value}`)),
  ]
}

/** One line a fault, with where the address came from, and what is to be pasted on lines of its own. */
function wrongOf({ target, fault, concerns }: Checkup, paint: Paint, all: boolean): string[] {
  const shown = concerns.filter(one => all || isShown(one))
  return [
    ...(fault
      ? [
          paint.bad(`  ✗ ${target.name}: ${fault.reason}: ${fault.message} → ${fault.advice}`),
          ...pasted(fault.fix),
          paint.dim(`    ${target.address}, from ${target.source}`),
        ]
      : []),
    ...shown.flatMap(one => [concernLine(target.name, one, paint), ...pasted(one.fix)]),
  ]
}

function concernLine(
  name: string,
  { id, level, message, advice, where, silenced }: Concern,
  paint: Paint,
): string {
  const text = `  ${isGrave({ id, level, message, ...(silenced === undefined ? {} : { silenced }) }) ? '✗' : '!'} ${name}: ${id}: ${message}${where ? ` (${where})` : ''}${advice ? ` → ${advice}` : ''}${silenced === undefined ? '' : ` [silenced: ${silenced}]`}`
  return level === 'error' ? paint.bad(text) : level === 'warning' ? paint.warn(text) : text
}

const pasted = (fix: string | undefined): string[] =>
  fix?.split('\n').map(line => `      ${defused(line)}`) ?? []

/** The last line: how many passed, and of the first that did not, what is wrong and what puts it right. */
function verdictOf(
  checkups: readonly Checkup[],
  exitStatus: number,
  durationMs: number,
  paint: Paint,
): string {
  const after = `after ${formatMs(durationMs)}`
  const scores = checkups.map(
    checkup => `${checkup.target.name} ${scoreOf(checkup).replace(/\/\d+/, '$& passed')}`,
  )
  if (exitStatus === 0) return paint.good(`holdfast: ${scores.join('; ')} ${after}`)
  const culprit =
    checkups.find(({ fault }) => fault) ?? checkups.find(({ concerns }) => concerns.some(isGrave))
  const wrong = checkups.filter(checkup => !isSound(checkup)).length
  const concern = culprit?.concerns.find(isGrave)
  const what = culprit?.fault
    ? { name: culprit.fault.reason, ...culprit.fault }
    : { name: concern?.id, message: concern?.message, fix: concern?.fix, advice: concern?.advice }
  const others = wrong > 1 ? ` (and ${wrong - 1} more)` : ''
  const [fix] = (what.fix ?? what.advice ?? '').split('\n').filter(line => !line.startsWith('# '))
  return paint.bad(
    inOne(`holdfast: ${culprit?.target.name}: ${what.name}: `, what.message ?? '', fix, others),
  )
}

/** How long the last line may be; all of it stands above, too. */
const MOST = 160

/** What a message is not cut below, in favour of the fix. */
const LEAST = 40

function inOne(head: string, message: string, fix: string | undefined, others: string): string {
  const end = fix ? ` → ${fix}` : ''
  const room = Math.max(LEAST, MOST - head.length - end.length - others.length)
  return cut(head + cut(message, room) + end, MOST - others.length) + others
}

const cut = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text
