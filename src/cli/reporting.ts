import { isatty } from 'node:tty'
import type { Decision } from '../core/decision.js'
import { usage } from '../core/errors.js'
import type { Target } from '../core/target.js'
import type { Verdict } from '../core/verdict.js'
import type { Outcome, Progress, WaitResult } from '../gate/outcome.js'
import type { Values } from './call.js'
import { type Paint, paintFor } from './output/paint.js'
import { LineView, type ProgressView, SILENT } from './output/progress.js'

export type Format = 'text' | 'json' | 'ndjson' | 'github'
type Documents = typeof import('./output/json.js')

export interface Ending {
  readonly verb: string
  readonly result: WaitResult
  readonly exitStatus: number
  /** What the targets should be: ready or gone. */
  readonly goal: 'ready' | 'gone'
  readonly decisions?: readonly Decision[]
}

/**
 * Where a verb's news goes: text for people to standard error, documents to standard output. The formats are
 * loaded when they are needed, to the good of a start that prints nothing.
 */
export class Reporting {
  readonly #format: Format
  readonly #documents: Documents | undefined
  readonly #view: ProgressView

  /** @throws HoldfastError (usage) where the options for the output contradict each other or cannot be met. */
  static async of(values: Values, env: NodeJS.ProcessEnv, targets: readonly Target[]): Promise<Reporting> {
    const format = formatOf(values)
    const junit = values.text('junit')
    if (junit) (await import('./output/junit.js')).checkWritable(junit)
    const documents = isDocument(format) ? await import('./output/json.js') : undefined
    const paint = paintFor(env, isatty(2))
    return new Reporting(
      values,
      env,
      format,
      documents,
      paint,
      await viewOf(values, env, targets, format, paint),
    )
  }

  private constructor(
    readonly values: Values,
    readonly env: NodeJS.ProcessEnv,
    format: Format,
    documents: Documents | undefined,
    readonly paint: Paint,
    view: ProgressView,
  ) {
    this.#format = format
    this.#documents = documents
    this.#view = view
  }

  verdict(verdict: Verdict, progress: Progress): void {
    this.#view.verdict(verdict, progress)
    if (!this.#documents || this.#format !== 'ndjson') return
    const { target, attempts, elapsedMs } = progress
    const outcome: Outcome = {
      target,
      state: verdict.ready ? 'ready' : 'waiting',
      verdict,
      attempts,
      readyAfterMs: null,
    }
    this.#print({ event: 'verdict', elapsedMs: Math.round(elapsedMs), ...this.#documents.targetOf(outcome) })
  }

  /** Is this run read by people, on standard error? */
  get text(): boolean {
    return !isDocument(this.#format)
  }

  /** Does it tell anything of a target that is ready? */
  get detailed(): boolean {
    return !this.text || !this.values.flag('quiet')
  }

  say(text: string): void {
    if (!this.values.flag('quiet')) process.stderr.write(`${text}\n`)
  }

  async end(ending: Ending): Promise<void> {
    this.#view.end()
    const { result, verb, exitStatus, decisions } = ending
    const { ok, durationMs, outcomes } = result
    const document = { verb, ok, exitStatus, durationMs, outcomes, ...(decisions ? { decisions } : {}) }
    if (this.#documents) {
      const event = this.#format === 'ndjson' ? { event: 'end' } : {}
      this.#print({ ...event, ...this.#documents.documentOf(document) })
    } else if (!ok || !this.values.flag('quiet')) await this.#text(ending)
    const junit = this.values.text('junit')
    if (junit) (await import('./output/junit.js')).writeJunit(junit, verb, result)
    await this.#github(result)
  }

  async #text({ result, goal }: Ending): Promise<void> {
    if (!result.outcomes[0]) return
    const { evidence, summary } = await import('./output/table.js')
    process.stderr.write(`${evidence(result, this.paint)}\n${summary(result, goal, this.paint)}\n`)
  }

  async #github(result: WaitResult): Promise<void> {
    const onGithub = this.env.GITHUB_ACTIONS === 'true'
    if (!onGithub && this.#format !== 'github') return
    const { annotations, writeSummary } = await import('./output/github.js')
    if (!result.ok) process.stderr.write(annotations(result.outcomes))
    const file = this.env.GITHUB_STEP_SUMMARY
    if (onGithub && file) writeSummary(file, result)
  }

  #print(document: object): void {
    process.stdout.write(`${JSON.stringify(document)}\n`)
  }
}

async function viewOf(
  values: Values,
  env: NodeJS.ProcessEnv,
  targets: readonly Target[],
  format: Format,
  paint: Paint,
): Promise<ProgressView> {
  const write = (text: string) => process.stderr.write(text)
  const verbose = values.flag('verbose')
  if (values.flag('quiet') || isDocument(format)) return SILENT
  if (!isatty(2) || env.CI || env.TERM === 'dumb' || verbose) return new LineView(write, paint, verbose)
  const { LiveView } = await import('./output/live.js')
  return new LiveView(targets, write, paint, () => process.stderr.columns || 80)
}

export const isDocument = (format: Format): boolean => format === 'json' || format === 'ndjson'

export function formatOf(values: Values): Format {
  const named = values.text('format') as Format | undefined
  if (values.flag('json')) {
    if (named && named !== 'json') throw usage(`--json contradicts --format ${named}; give one of them`)
    return 'json'
  }
  return named ?? 'text'
}
