import type { Aim } from '../gate/outcome.js'
import { wallClock } from '../io/clock.js'
import { type Asking, available, type Known, type Terms } from './availability.js'
import { isCutOff, isHere, notAsked, type Offline } from './offline.js'

interface Plan extends Terms {
  readonly offline: Offline
  readonly needs: readonly { readonly aim: Aim | undefined }[]
}

/** What one run knows of its services. Each is looked at once, by whoever asks first. */
export class Looks {
  readonly #seen = new Map<Aim, Promise<Known>>()
  #offline: Promise<boolean> | undefined

  constructor(
    readonly plan: Plan,
    readonly asking: Asking,
  ) {}

  at(aim: Aim): Promise<Known> {
    const seen = this.#seen.get(aim) ?? this.#look(aim)
    this.#seen.set(aim, seen)
    return seen
  }

  /** Is there no network: by HOLDFAST_OFFLINE, or since no host beyond this machine is reached? */
  offline(): Promise<boolean> {
    this.#offline ??= this.#isOffline()
    return this.#offline
  }

  async #look(aim: Aim): Promise<Known> {
    if (isOut(aim, this.plan)) return { ...notAsked(aim.target), at: (this.asking.time ?? wallClock)() }
    return available(aim, this.plan, this.asking)
  }

  async #isOffline(): Promise<boolean> {
    const { offline, needs } = this.plan
    if (offline !== 'detect') return offline === 'forced'
    const away = needs.flatMap(({ aim }) => (aim && !isHere(aim.target) ? [aim] : []))
    const seen = await Promise.all(away.map(aim => this.at(aim)))
    return seen.length > 0 && seen.every(isCutOff)
  }
}

const isOut = ({ target }: Aim, { offline }: Plan): boolean => offline === 'forced' && !isHere(target)
