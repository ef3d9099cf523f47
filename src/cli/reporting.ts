import { isatty } from 'node:tty'
import { usage } from '../core/errors.js'
import type { Target } from '../core/target.js'
import type { Verdict } from '../core/verdict.js'
import type { Outcome, Progress, WaitResult } from '../gate/wait.js'
import type { Values } from './call.js'
import { annotations, writeSummary } from './output/github.js'
import { type Decision, documentOf, targetOf } from './output/json.js'
import { checkWritable, writeJunit } from './output/junit.js'
import { type Paint, paintFor } from './output/paint.js'
import { LineView, LiveView, type ProgressView, SILENT } from './output/progress.js'
import { evidence, summary } from './output/table.js'

type Format = 'text' | 'json' | 'ndjson' | 'github'

export interface Ending {
  readonly verb: string
  readonly result: WaitResult
  readonly exitStatus: number
  /** What the targets should be: ready or gone. */
  readonly goal: 'ready' | 'gone'
  readonly decisions?: readonly Decision[]
}

/** Where a verb's news goes: text for people to standard error, documents to standard output. */
export class Reporting {
  readonly #format: Format
  readonly #view: ProgressView
  readonly paint: Paint

  constructor(
    readonly values: Values,
    readonly env: NodeJS.ProcessEnv,
    targets: readonly Target[],
  ) {
    this.#format = formatOf(values)
    const junit = values.text('junit')
    if (junit) checkWritable(junit)
    const terminal = isatty(2)
    this.paint = paintFor(env, terminal)
    this.#view = this.#chooseView(targets, terminal)
  }

  #chooseView(targets: readonly Target[], terminal: boolean): ProgressView {
    const write = (text: string) => process.stderr.write(text)
    if (this.values.flag('quiet') || this.#format === 'json' || this.#format === 'ndjson') return SILENT
    const live = terminal && !this.env.CI && this.env.TERM !== 'dumb' && !this.values.flag('verbose')
    if (live) return new LiveView(targets, write, this.paint, () => process.stderr.columns || 80)
    return new LineView(write, this.paint, this.values.flag('verbose'))
  }

  verdict(verdict: Verdict, progress: Progress): void {
    this.#view.verdict(verdict, progress)
    if (this.#format !== 'ndjson') return
    const { target, attempts, elapsedMs } = progress
    const outcome: Outcome = {
      target,
      state: verdict.ready ? 'ready' : 'waiting',
      verdict,
      attempts,
      readyAfterMs: null,
    }
    this.#print({ event: 'verdict', elapsedMs: Math.round(elapsedMs), ...targetOf(outcome) })
  }

  /** Is this run read by people, on standard error? */
  get text(): boolean {
    return this.#format === 'text' || this.#format === 'github'
  }

  say(text: string): void {
    if (!this.values.flag('quiet')) process.stderr.write(`${text}\n`)
  }

  end(ending: Ending): void {
    this.#view.end()
    const { result, verb, exitStatus, decisions } = ending
    const { ok, durationMs, outcomes } = result
    const document = { verb, ok, exitStatus, durationMs, outcomes, ...(decisions ? { decisions } : {}) }
    if (this.#format === 'json') this.#print(documentOf(document))
    else if (this.#format === 'ndjson') this.#print({ event: 'end', ...documentOf(document) })
    else if (!ok || !this.values.flag('quiet')) this.#text(ending)
    const junit = this.values.text('junit')
    if (junit) writeJunit(junit, verb, result)
    this.#github(result)
  }

  #text({ result, goal }: Ending): void {
    process.stderr.write(`${evidence(result, this.paint)}\n${summary(result, goal, this.paint)}\n`)
  }

  #github(result: WaitResult): void {
    const onGithub = this.env.GITHUB_ACTIONS === 'true'
    if (!result.ok && (onGithub || this.#format === 'github'))
      process.stderr.write(annotations(result.outcomes))
    const file = this.env.GITHUB_STEP_SUMMARY
    if (onGithub && file) writeSummary(file, result)
  }

  #print(document: object): void {
    process.stdout.write(`${JSON.stringify(document)}\n`)
  }
}

function formatOf(values: Values): Format {
  const named = values.text('format') as Format | undefined
  if (values.flag('json')) {
    if (named && named !== 'json') throw usage(`--json contradicts --format ${named}; give one of them`)
    return 'json'
  }
  return named ?? 'text'
}
