/**
 * Handles of this thread, for unit tests: they share a process with other files' tests, whose children and
 * ports `belongings` would count as theirs.
 */
export type Handles = Readonly<Record<string, number>>

// The runner's own timers and messages come and go; these do not, unless a test makes them.
const COUNTED = /Socket|Server|Pipe|Process|Connect|GetAddrInfo|QueryReq|TLS/

export function openHandles(): Handles {
  const kinds = process.getActiveResourcesInfo().filter(kind => COUNTED.test(kind))
  return Object.fromEntries([...new Set(kinds)].map(kind => [kind, kinds.filter(one => one === kind).length]))
}

/** Resolves once nothing is open that was not in `before`; rejects with what is left after a second. */
export async function untilOnly(before: Handles): Promise<void> {
  const end = performance.now() + 1_000
  for (;;) {
    const left = Object.entries(openHandles()).filter(([kind, count]) => count > (before[kind] ?? 0))
    if (left.length === 0) return
    if (performance.now() > end)
      throw new Error(`still open: ${left.map(([kind, count]) => `${count} × ${kind}`).join(', ')}`)
    await new Promise(resolve => setImmediate(resolve))
  }
}
