import { appendFileSync } from 'node:fs'
import { formatMs } from '../../core/options.js'
import { adviceOf } from '../../core/verdict.js'
import type { Outcome, WaitResult } from '../../gate/outcome.js'
import { reached, timesOf } from './layers.js'

/** Source: docs.github.com, "Workflow commands for GitHub Actions". */
export const escapeData = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
export const escapeProperty = (text: string): string =>
  escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

/** On GitHub a line that begins like this would be a command to the runner. */
export const defused = (line: string): string => line.replace(/^(\s*)(::|##\[)/, '$1# $2')

/** One line that becomes an annotation. */
export const annotation = (level: 'error' | 'warning' | 'notice', title: string, text: string): string =>
  `::${level} title=${escapeProperty(`holdfast: ${title}`)}::${escapeData(text)}\n`

/** One annotation for each target that failed. */
export const annotations = (outcomes: readonly Outcome[]): string =>
  outcomes
    .flatMap(({ target, verdict, state }) => {
      if (verdict.ready || state === 'gone') return []
      const { finding, layer } = verdict
      const text = `${target.address}: ${layer}: ${finding.message} → ${adviceOf(finding)}`
      return [annotation('error', `${target.name}: ${finding.reason}`, text)]
    })
    .join('')

/** Text in a cell of a Markdown table. */
export const cell = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('`', "'")

/** Appends the table to the step's summary; a summary that cannot be written is no failure. */
export function writeSummary(file: string, result: WaitResult): void {
  const rows = result.outcomes.map(outcome => {
    const { target, state, verdict, attempts, readyAfterMs } = outcome
    const times = [...timesOf(verdict)].map(([layer, { ms }]) => `${layer} ${ms.toFixed(1)}`).join(', ')
    const why = verdict.ready
      ? ''
      : `${verdict.finding.reason}: ${verdict.finding.message} → ${adviceOf(verdict.finding)}`
    const after = readyAfterMs === null ? '–' : formatMs(readyAfterMs)
    return `| ${[target.name, state, target.address, reached(outcome), times, after, String(attempts), why].map(cell).join(' | ')} |`
  })
  const head =
    '| target | state | address | reached | layers (ms) | after | tries | why |\n|---|---|---|---|---|---|---|---|'
  try {
    appendFileSync(
      file,
      `### holdfast: ${result.ok ? 'ready' : 'not ready'} after ${formatMs(result.durationMs)}\n\n${head}\n${rows.join('\n')}\n\n`,
    )
  } catch {
    // The runner took the file away.
  }
}
