import { formatMs } from '../../core/options.js'
import type { Target } from '../../core/target.js'
import type { Layer, NotReady } from '../../core/verdict.js'
import { adviceOf } from '../../core/verdict.js'
import type { Outcome, WaitResult } from '../../gate/outcome.js'
import { deadAddresses, reached, timesOf } from './layers.js'
import type { Paint } from './paint.js'

const COLUMNS: readonly (readonly [Layer, string])[] = [
  ['dns', 'dns'],
  ['tcp', 'tcp'],
  ['tls', 'tls'],
  ['handshake', 'hello'],
  ['auth', 'auth'],
  ['query', 'query'],
  ['write', 'write'],
  ['schema', 'schema'],
]

/** The evidence that stays in the log: one row a target, and below it why and what to do. */
export function evidence(result: WaitResult, paint: Paint): string {
  const used = COLUMNS.filter(([layer]) => result.outcomes.some(one => timesOf(one.verdict).has(layer)))
  const head = ['target', 'state', 'reached', ...used.map(([, title]) => title), 'after', 'tries', 'server']
  const rows = result.outcomes.map(one =>
    row(
      one,
      used.map(([layer]) => layer),
    ),
  )
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map(cells => cells[i]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, i) => (i >= 3 && i < cells.length - 1 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join('  ')}`.trimEnd()
  const lines = rows.map((cells, i) => {
    const text = line(cells)
    const state = result.outcomes[i]?.state
    return state === 'ready' || state === 'gone'
      ? paint.good(text)
      : state === 'broken'
        ? paint.bad(text)
        : paint.warn(text)
  })
  return [paint.dim(line(head)), ...lines, ...result.outcomes.flatMap(one => notes(one, paint))].join('\n')
}

function row(outcome: Outcome, layers: readonly Layer[]): string[] {
  const { target, state, verdict, readyAfterMs, attempts } = outcome
  const times = timesOf(verdict)
  const cells = layers.map(layer => {
    const time = times.get(layer)
    return time ? `${time.ok ? '' : '✗'}${shortMs(time.ms)}` : '–'
  })
  const known = verdict.server
  const server = known
    ? [known.product, known.version?.split(' ')[0], known.via && `via ${known.via}`].filter(Boolean).join(' ')
    : '–'
  return [
    target.name,
    state,
    reached(outcome) || '–',
    ...cells,
    readyAfterMs === null ? '–' : formatMs(readyAfterMs),
    String(attempts),
    server,
  ]
}

const shortMs = (ms: number): string => (ms < 10 ? ms.toFixed(1) : String(Math.round(ms)))

function notes({ target, state, verdict }: Outcome, paint: Paint): string[] {
  if (verdict.ready) {
    const dead = deadAddresses(verdict)
    if (dead.length === 0) return []
    return [
      paint.warn(
        `  ! ${target.name}: ready, but ${dead.join(', ')} of the same name did not answer; a driver may pick it`,
      ),
    ]
  }
  if (state === 'gone') return []
  const { finding, layer } = verdict
  const code = finding.code ? ` (${finding.code})` : ''
  return [
    paint.bad(`  ✗ ${target.name}: ${finding.reason} at ${layer}${code}: ${finding.message}`),
    `    ${target.address}, from ${target.source}${passwordFrom(target, verdict)}`,
    `    → ${adviceOf(finding)}`,
  ]
}

/** Where a rejected password came from, if not from the address or the environment. */
function passwordFrom({ origins }: Target, { finding }: NotReady): string {
  const origin = finding.reason === 'authentication-failed' ? origins?.get('password') : undefined
  return origin ? `, the password from ${origin}` : ''
}

/** One line that says how it ended. */
export function summary(result: WaitResult, what: string, paint: Paint): string {
  const good = result.outcomes.filter(one => one.state === what).length
  const text = `holdfast: ${good} of ${result.outcomes.length} ${what} after ${formatMs(result.durationMs)}`
  return result.ok ? paint.good(text) : paint.bad(text)
}
