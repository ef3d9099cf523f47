import { usage } from '../core/errors.js'

const LISTENING = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once when the signal aborts; returns what takes that back. One listener a signal, however many statements
 * share it: Node warns of a leak from the eleventh on.
 */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (!signal) return NOTHING
  let acts = LISTENING.get(signal)
  if (!acts) {
    acts = new Set()
    LISTENING.set(signal, acts)
  }
  const all = acts
  if (all.size === 0) signal.addEventListener('abort', onEvent)
  all.add(act)
  return () => {
    if (all.delete(act) && all.size === 0) signal.removeEventListener('abort', onEvent)
  }
}

function onEvent(this: unknown, event: Event): void {
  const signal = event.target as AbortSignal
  const acts = LISTENING.get(signal) ?? new Set()
  LISTENING.delete(signal)
  signal.removeEventListener('abort', onEvent)
  for (const act of acts) act()
}

const NOTHING = (): void => {}

/** @throws HoldfastError (usage) for what is no signal: a controller, most often. */
export function checkSignal(signal: unknown): void {
  const { aborted, addEventListener, removeEventListener } = Object(signal) as Partial<AbortSignal>
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function' && removeEventListener) return
  const controller = typeof Object(signal).signal === 'object' ? '; pass controller.signal' : ''
  throw usage(`signal: this is no AbortSignal${controller}`)
}
