/** What is marked when SIGTERM comes. */
const draining = new Set<() => void>()

/**
 * Calls `drain` at SIGTERM, and changes nothing of what the signal does otherwise: a listener takes away Node's default,
 * which is to end, so where there is no other one the signal is sent again without ours. What it returns takes it back.
 * Source: Node's documentation of process, "Signal events".
 */
export function onSigterm(drain: () => void): () => void {
  // First, so that another library that counts the listeners, as signal-exit does, does not find ours.
  if (draining.size === 0) process.prependListener('SIGTERM', heard)
  draining.add(drain)
  return () => {
    draining.delete(drain)
    if (draining.size === 0) process.off('SIGTERM', heard)
  }
}

function heard(): void {
  process.off('SIGTERM', heard)
  for (const drain of draining) drain()
  draining.clear()
  if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM')
}
