import { HoldfastError } from '../../core/errors.js'
import { systemClock } from '../../io/clock.js'
import { dial } from '../../io/dial.js'
import type { Reaper } from '../../io/reaper.js'
import { rungsFor } from '../../standin/rungs.js'
import type { StandIn } from '../../standin/stand-in.js'
import type { StandInAnswer, StandInRequest } from './wire.js'

/** How long a rung that had nothing to offer is not tried again, in milliseconds. */
const FAILED_MS = 30_000

/** How long one may take to accept a connection, in milliseconds. */
const ACCEPT_MS = 2_000

/** The stand-ins of one run, each started once; again where it has ended. */
export class Started {
  readonly #all = new Map<string, Promise<StandIn>>()

  constructor(
    private readonly reaper: Reaper,
    private readonly signal: AbortSignal,
    /** Hears that one has ended by itself. */
    private readonly onLost: () => void = () => {},
  ) {}

  async start(request: StandInRequest): Promise<StandInAnswer> {
    const { target, service, rung, settings } = request
    const key = JSON.stringify([target, service, rung, settings])
    const before = this.#all.get(key)
    if (before && !(await this.#accepts(before))) this.#lose(key, before)
    let starting = this.#all.get(key)
    if (!starting) {
      starting = this.#start(request)
      this.#all.set(key, starting)
      this.#attend(key, starting)
    }
    const { close: _, ended: _ended, ...answer } = await starting
    return answer
  }

  #attend(key: string, starting: Promise<StandIn>): void {
    starting.then(
      ({ ended }) => ended?.then(() => this.#lose(key, starting)),
      () => setTimeout(() => this.#all.delete(key), FAILED_MS).unref(),
    )
  }

  /** Of one whose end is not noticed by itself, as a container's. */
  async #accepts(starting: Promise<StandIn>): Promise<boolean> {
    const standIn = await starting.catch(() => undefined)
    if (!standIn || standIn.ended || standIn.serverless) return true
    const { hostname, port } = new URL(standIn.url)
    const limit = systemClock.deadline(ACCEPT_MS, this.signal)
    try {
      const { socket } = await dial([{ address: hostname, port: Number(port) }], limit.signal)
      socket.destroy()
      return true
    } catch {
      return this.signal.aborted
    } finally {
      limit.clear()
    }
  }

  #lose(key: string, starting: Promise<StandIn>): void {
    if (this.#all.get(key) !== starting) return
    this.#all.delete(key)
    this.onLost()
    starting.then(standIn => standIn.close()).catch(() => {})
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
