import { formatMs } from '../../core/options.js'
import type { Target } from '../../core/target.js'
import type { Verdict } from '../../core/verdict.js'
import type { Progress } from '../../gate/outcome.js'
import { monotonic } from '../../io/clock.js'
import type { Paint } from './paint.js'
import { healsOf, type ProgressView } from './progress.js'

const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const FRAME_MS = 100

/** On a terminal: one live line a target, taken back at the end. */
export class LiveView implements ProgressView {
  readonly #rows = new Map<string, { verdict?: Verdict; since: number }>()
  readonly #begun = monotonic()
  readonly #timer: NodeJS.Timeout
  #drawn = 0
  #frame = 0

  constructor(
    targets: readonly Target[],
    readonly write: (text: string) => void,
    readonly paint: Paint,
    readonly columns: () => number,
  ) {
    for (const { name } of targets) this.#rows.set(name, { since: this.#begun })
    this.#timer = setInterval(() => this.#draw(), FRAME_MS)
    this.#timer.unref()
  }

  verdict(verdict: Verdict, { target }: Progress): void {
    const before = this.#rows.get(target.name)?.verdict
    const changed = !before || keyOf(before) !== keyOf(verdict)
    this.#rows.set(target.name, { verdict, since: this.#rows.get(target.name)?.since ?? this.#begun })
    if (changed) this.#draw()
  }

  #draw(): void {
    this.#erase()
    const width = Math.max(...[...this.#rows.keys()].map(name => name.length))
    const spinner = FRAMES[this.#frame++ % FRAMES.length] ?? ''
    const time = formatMs(monotonic() - this.#begun)
    const lines = [...this.#rows].map(([name, { verdict }]) => {
      const mark = verdict?.ready ? '✓' : spinner
      const text = !verdict
        ? 'connecting'
        : verdict.ready
          ? 'ready'
          : `${verdict.finding.reason} at ${verdict.layer}: ${verdict.finding.message}`
      const line = `${mark} ${name.padEnd(width)}  ${time}  ${text}`.slice(
        0,
        Math.max(20, this.columns() - 1),
      )
      return verdict?.ready
        ? this.paint.good(line)
        : verdict && healsOf(verdict) === 'never'
          ? this.paint.bad(line)
          : line
    })
    this.write(`${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  #erase(): void {
    if (this.#drawn > 0) this.write(`\u001b[${this.#drawn}A\u001b[0J`)
    this.#drawn = 0
  }

  end(): void {
    clearInterval(this.#timer)
    this.#erase()
  }
}

const keyOf = (verdict: Verdict): string => (verdict.ready ? 'ready' : verdict.finding.reason + verdict.layer)
