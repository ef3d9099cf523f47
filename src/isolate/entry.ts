import { isDead, type Owner } from '../io/owner.js'
import { IsolationError } from './errors.js'
import type { Pool } from './pool.js'
import type { Template } from './template.js'

/** A template as its manager knows it. */
export interface Entry {
  readonly hash: string
  /** The process that fills it, where it said so. */
  readonly builder: Owner | undefined
  /** It ends with this run, whatever becomes of others. */
  readonly ofRun: boolean
  state: 'opening' | 'building' | 'ready' | 'gone'
  template?: Template
  pool?: Pool
  /** Settles when it is ready, or with why it never will be. */
  readonly settled: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export const discarded = () => new IsolationError(410, 'template was just discarded')

/** Whoever was to fill it is dead. */
export const abandoned = ({ state, builder }: Entry): boolean =>
  state === 'building' && builder !== undefined && isDead(builder)

export function newEntry(hash: string, builder: Owner | undefined, ofRun: boolean): Entry {
  const { promise, resolve, reject } = withResolvers()
  // Whoever waits hears it; nobody need.
  promise.catch(() => {})
  return { hash, builder, ofRun, state: 'opening', settled: promise, resolve, reject }
}

function withResolvers() {
  let resolve: () => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
