import { startTimeOf } from '../io/owner.js'
import type { Reaper } from '../io/reaper.js'
import type { Journal } from '../journal/journal.js'
import { handOver } from '../standin/handover.js'
import { heldVariable } from './held.js'
import { KEEPER_VARIABLE } from './keeper/client.js'
import { type Keeper, serveKeeper } from './keeper/server.js'
import { framed } from './record.js'
import { handedOn, type Run, runOf } from './run.js'
import { decisionOf, type Served } from './served.js'
import { commandShown } from './shown.js'
import { handoversOf } from './variables.js'
import { handedWishes, type Wishes } from './wishes.js'

/** What `holdfast test` is for the adapters below it: the root of their run, their keeper, and the first to decide. */
export class Hosting {
  readonly run: Run
  readonly #began = performance.now()
  readonly #say: (text: string) => void
  #keeper: Keeper | undefined

  constructor(
    readonly command: readonly string[],
    say: (text: string) => void,
    readonly journal: Journal,
  ) {
    const root = { pid: process.pid, started: startTimeOf(process.pid) ?? '' }
    this.run = runOf(process.env, undefined, root)
    this.#say = say
  }

  /** The environment of COMMAND. Without a keeper, which needs a private folder, all else works. */
  async environment(
    served: readonly Served[],
    wishes: Wishes,
    reaper: Reaper,
  ): Promise<Record<string, string>> {
    const handovers = await handoversOf(served, process.env)
    this.#keeper = await serveKeeper({ root: this.run.root, reaper, say: this.#say }).catch(error => {
      this.#say(`no isolation for tests below: ${error instanceof Error ? error.message : error}`)
      return undefined
    })
    return {
      ...handOver(process.env, handovers),
      ...handedOn(this.run),
      ...handedWishes(wishes, process.env),
      ...heldVariable(served.map(decisionOf), handovers, this.run.root),
      ...(this.#keeper ? { [KEEPER_VARIABLE]: this.#keeper.socket } : {}),
    }
  }

  /** Into the journal: each decision, and once COMMAND has ended how. */
  async record(served: readonly Served[], exitStatus?: number): Promise<void> {
    const suite = commandShown(this.command)
    const durationMs = Math.round(performance.now() - this.#began)
    const entries =
      exitStatus === undefined
        ? served.map(decisionOf).map(({ passedOver: _, ...decision }) => ({
            ...{ ...framed('decision', this.run), scope: 'command' as const, suite },
            ...decision,
            durationMs,
          }))
        : [{ ...framed('run', this.run), suite, durationMs, exitStatus }]
    await Promise.all(entries.map(entry => this.journal.append(entry)))
    await this.journal.close()
  }

  async close(): Promise<void> {
    await this.#keeper?.close()
  }
}
