import { appendFileSync } from 'node:fs'
import { formatMs } from '../../core/options.js'
import type { Stage } from '../../start/stages.js'
import { cell, escapeData, escapeProperty } from './github.js'
import { escapeXml } from './junit.js'
import type { Paint } from './paint.js'

const coloured = ({ state }: Stage, paint: Paint): ((text: string) => string) =>
  state === 'passed' ? paint.good : state === 'failed' ? paint.bad : paint.warn

/** Findings follow in lines of their own. */
const about = ({ state, message = '', concerns = [] }: Stage): string => {
  const text = concerns.length > 0 ? message.split('\n')[0] : message
  return state === 'skipped' ? `skipped (${text})` : [state, text].filter(Boolean).join('  ')
}

/** One line for a stage as it ends. */
export const stageLine = (stage: Stage, paint: Paint): string =>
  `holdfast: ${formatMs(stage.ms).padStart(8)}  ${coloured(stage, paint)(`${stage.stage}  ${about(stage)}`)}`

/** All stages, a row each. */
export function stageTable(stages: readonly Stage[], paint: Paint): string {
  const width = Math.max(...stages.map(({ stage }) => stage.length), 'stage'.length)
  const rows = stages.map(one => {
    const first = about(one).split('\n')[0] ?? ''
    const text = `  ${one.stage.padEnd(width)}  ${formatMs(one.ms).padStart(8)}  ${first}`
    return coloured(one, paint)(text)
  })
  return [paint.dim(`  ${'stage'.padEnd(width)}  ${'time'.padStart(8)}  state`), ...rows].join('\n')
}

/** `holdfast: 4 passed, 1 skipped after 1.2 s` */
export function stageSummary(stages: readonly Stage[], ms: number, paint: Paint): string {
  const count = (state: Stage['state']) => stages.filter(one => one.state === state).length
  const parts = (['failed', 'passed', 'skipped'] as const)
    .filter(state => count(state) > 0)
    .map(state => `${count(state)} ${state}`)
  const text = `holdfast: ${parts.join(', ')} after ${formatMs(ms)}`
  return count('failed') > 0 ? paint.bad(text) : paint.good(text)
}

/** A case of JUnit for each stage. */
export const stageCases = (stages: readonly Stage[]): string[] =>
  stages.map(({ stage, state, ms, message = '' }) => {
    const head = `  <testcase classname="holdfast.run.stage" name="${escapeXml(stage)}" time="${(ms / 1000).toFixed(3)}"`
    if (state === 'passed') return `${head}/>`
    const text = escapeXml(message)
    const first = escapeXml(message.split('\n')[0] ?? '')
    return state === 'skipped'
      ? `${head}>\n    <skipped message="${first}"/>\n  </testcase>`
      : `${head}>\n    <failure type="stage" message="${first}">${text}</failure>\n  </testcase>`
  })

/** An annotation for each stage that failed. */
export const stageAnnotations = (stages: readonly Stage[]): string =>
  stages
    .filter(({ state }) => state === 'failed')
    .map(
      ({ stage, message = '' }) =>
        `::error title=${escapeProperty(`holdfast: ${stage} failed`)}::${escapeData(message)}\n`,
    )
    .join('')

/** Appends the stages to the step's summary; a summary that cannot be written is no failure. */
export function writeStages(file: string, stages: readonly Stage[]): void {
  const rows = stages.map(
    ({ stage, state, ms, message = '' }) =>
      `| ${[stage, state, formatMs(ms), message.replaceAll('\n', ' ')].map(cell).join(' | ')} |\n`,
  )
  try {
    appendFileSync(file, `| stage | state | time | message |\n|---|---|---|---|\n${rows.join('')}\n`)
  } catch {
    // The runner took the file away.
  }
}
