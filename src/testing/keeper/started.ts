import { HoldfastError } from '../../core/errors.js'
import type { Reaper } from '../../io/reaper.js'
import { rungsFor } from '../../standin/rungs.js'
import type { StandIn } from '../../standin/stand-in.js'
import type { StandInAnswer, StandInRequest } from './wire.js'

/** How long a rung that had nothing to offer is not tried again, in milliseconds. */
const FAILED_MS = 30_000

/** The stand-ins of one run, each started once. */
export class Started {
  readonly #all = new Map<string, Promise<StandIn>>()

  constructor(
    private readonly reaper: Reaper,
    private readonly signal: AbortSignal,
  ) {}

  async start(request: StandInRequest): Promise<StandInAnswer> {
    const { target, service, rung, settings } = request
    const key = JSON.stringify([target, service, rung, settings])
    let starting = this.#all.get(key)
    if (!starting) {
      starting = this.#start(request)
      this.#all.set(key, starting)
      starting.catch(() => setTimeout(() => this.#all.delete(key), FAILED_MS).unref())
    }
    const { close: _, ...answer } = await starting
    return answer
  }

  async close(): Promise<void> {
    const all = [...this.#all.values()]
    this.#all.clear()
    await Promise.all(all.map(one => one.then(standIn => standIn.close()).catch(() => {})))
  }

  async #start({ service, rung: name, settings, env, cwd }: StandInRequest): Promise<StandIn> {
    const { signal, reaper } = this
    const [rung] = rungsFor(service, { ...settings, signal, reaper, env, cwd }, [name])
    if (!rung) throw new HoldfastError('config', `${name} is no stand-in for ${service}`)
    return rung.start()
  }
}
