import { isatty } from 'node:tty'
import type { Concern } from '../../core/concern.js'
import type { Verdict } from '../../core/verdict.js'
import type { Outcome, Progress, WaitResult } from '../../gate/outcome.js'
import type { Stage } from '../../start/stages.js'
import type { Values } from '../call.js'
import { formatOf, isDocument } from '../reporting.js'
import { annotations, writeSummary } from './github.js'
import { documentOf, stageOf, targetOf } from './json.js'
import { checkWritable, writeJunit } from './junit.js'
import { paintFor } from './paint.js'
import { LineView, type ProgressView, SILENT } from './progress.js'
import { stageAnnotations, stageCases, stageLine, stageSummary, stageTable, writeStages } from './stages.js'
import { evidence } from './table.js'

/** How a start is told: lines as it goes, tables at its end; or one document. */
export class RunReport {
  readonly #format: ReturnType<typeof formatOf>
  readonly #view: ProgressView
  readonly #paint

  /** @throws HoldfastError (usage) where the options for the output contradict each other or cannot be met. */
  constructor(
    readonly values: Values,
    readonly env: NodeJS.ProcessEnv,
  ) {
    this.#format = formatOf(values)
    const junit = values.text('junit')
    if (junit) checkWritable(junit)
    this.#paint = paintFor(env, isatty(2))
    const silent = this.#quiet || isDocument(this.#format)
    this.#view = silent ? SILENT : new LineView(write, this.#paint, values.flag('verbose'))
  }

  get #quiet(): boolean {
    return this.values.flag('quiet')
  }

  verdict(verdict: Verdict, progress: Progress): void {
    this.#view.verdict(verdict, progress)
    if (this.#format !== 'ndjson') return
    const { target, attempts, elapsedMs } = progress
    const state = verdict.ready ? 'ready' : 'waiting'
    const outcome: Outcome = { target, state, verdict, attempts, readyAfterMs: null }
    print({ event: 'verdict', elapsedMs: Math.round(elapsedMs), ...targetOf(outcome) })
  }

  stage(stage: Stage): void {
    if (this.#format === 'ndjson') print({ event: 'stage', ...stageOf(stage) })
    if (isDocument(this.#format) || (this.#quiet && stage.state !== 'failed')) return
    write(`${stageLine(stage, this.#paint)}\n`)
    for (const one of stage.concerns ?? [])
      if (stage.failing?.includes(one) || this.#shows(one)) write(`${this.#concern(one)}\n`)
  }

  say(text: string): void {
    if (!this.#quiet) write(`holdfast: ${text}\n`)
  }

  #shows({ level, silenced }: Concern): boolean {
    return this.values.flag('verbose') || (silenced === undefined && level !== 'info')
  }

  #concern({ id, level, message, target, where, advice, fix, silenced }: Concern): string {
    const colour =
      level === 'error' ? this.#paint.bad : level === 'warning' ? this.#paint.warn : this.#paint.dim
    const place = [target, where].filter(Boolean).join(', ')
    const head = `  ${level} ${id}${place ? ` (${place})` : ''}: ${message}`
    if (silenced !== undefined) return this.#paint.dim(`${head} [silenced: ${silenced}]`)
    const more = [advice && `    → ${advice}`, fix?.replace(/^/gm, '      ')].filter(Boolean)
    return [colour(head), ...more].join('\n')
  }

  end(exitStatus: number, durationMs: number, outcomes: readonly Outcome[], stages: readonly Stage[]): void {
    const ok = exitStatus === 0
    const result: WaitResult = { ok, durationMs, outcomes }
    if (isDocument(this.#format)) {
      const event = this.#format === 'ndjson' ? { event: 'end' } : {}
      print({ ...event, ...documentOf({ verb: 'run', ok, exitStatus, durationMs, outcomes, stages }) })
    } else if (!ok || !this.#quiet) {
      const targets = outcomes.length > 0 ? `${evidence(result, this.#paint)}\n` : ''
      const table = stageTable(stages, this.#paint)
      write(`${targets}${table}\n${stageSummary(stages, durationMs, this.#paint)}\n`)
    }
    const junit = this.values.text('junit')
    if (junit) writeJunit(junit, 'run', result, stageCases(stages))
    this.#github(result, stages)
  }

  #github(result: WaitResult, stages: readonly Stage[]): void {
    const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY } = this.env
    if (GITHUB_ACTIONS !== 'true' && this.#format !== 'github') return
    // A failed stage says what its targets would.
    const waited = stages.some(({ stage, state }) => stage === 'wait' && state === 'failed')
    if (!result.ok) write((waited ? annotations(result.outcomes) : '') + stageAnnotations(stages))
    if (GITHUB_ACTIONS !== 'true' || !GITHUB_STEP_SUMMARY) return
    writeSummary(GITHUB_STEP_SUMMARY, result)
    writeStages(GITHUB_STEP_SUMMARY, stages)
  }
}

const write = (text: string): void => void process.stderr.write(text)

const print = (document: object): void => void process.stdout.write(`${JSON.stringify(document)}\n`)
