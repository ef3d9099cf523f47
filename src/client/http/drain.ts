/** What is marked when SIGTERM comes. */
const draining = new Set<() => void>()

/**
 * Calls `drain` at SIGTERM, and changes nothing of what the signal does otherwise: a listener takes away Node's default,
 * which is to end, so where there is no other one the signal is sent again without ours. What it returns takes it back.
 * A listener that was before ours and took itself away, as one of `prependOnceListener` does, is another one, too.
 * Source: Node's documentation of process, "Signal events".
 */
export function onSigterm(drain: () => void): () => void {
  // First, so that another library that counts the listeners, as signal-exit does, does not find ours.
  if (draining.size === 0) {
    process.prependListener('SIGTERM', heard)
    process.on('removeListener', removed)
  }
  draining.add(drain)
  return () => {
    if (draining.delete(drain) && draining.size === 0) forget()
  }
}

/** On the listeners of another copy of this package, too: they leave when they have heard. */
const OURS = Symbol.for('holdfast.drain')

/** Within this turn, which is the signal's where ours is called in it. */
let justRemoved = false

function removed(event: string | symbol, listener: unknown): void {
  if (event !== 'SIGTERM' || (listener as Partial<typeof heard>)[OURS]) return
  justRemoved = true
  queueMicrotask(() => {
    justRemoved = false
  })
}

function forget(): void {
  process.off('removeListener', removed)
  process.off('SIGTERM', heard)
}

function heard(): void {
  forget()
  for (const drain of draining) drain()
  draining.clear()
  if (process.listenerCount('SIGTERM') === 0 && !justRemoved) process.kill(process.pid, 'SIGTERM')
}
heard[OURS] = true
