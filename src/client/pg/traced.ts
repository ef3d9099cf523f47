const TRACED = new WeakSet<Error>()

/**
 * With a stack of the awaiting caller instead of the socket's, once: a ROLLBACK that repeats the first cause leaves it
 * alone. Without a function to begin at, since none of ours is on the stack any more.
 */
export function traced(error: Error): Error {
  if (TRACED.has(error)) return error
  TRACED.add(error)
  Error.captureStackTrace?.(error)
  return error
}
