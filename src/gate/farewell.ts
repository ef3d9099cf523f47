import { clearTimeout, setTimeout } from '../io/clock.js'

const pending = new Set<Promise<unknown>>()

/** Notes what clears up after an attempt that was given up, such as the end of its query at the server. */
export function noted(closing: Promise<unknown>): Promise<void> {
  const over = closing.then(
    () => {},
    () => {},
  )
  pending.add(over)
  return over.finally(() => pending.delete(over))
}

/** Resolves when all of it is done, or after `ms` milliseconds: a process that ends earlier leaves queries behind. */
export async function farewells(ms: number): Promise<void> {
  if (pending.size === 0) return
  let timer: NodeJS.Timeout | undefined
  const late = new Promise(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([Promise.all(pending), late])
  clearTimeout(timer)
}
