const TRACED = new WeakSet<Error>()

/** With a stack of the caller instead of the socket's, once: a ROLLBACK that repeats the first cause leaves it alone. */
export function traced(error: Error, from: (...all: never[]) => unknown): Error {
  if (TRACED.has(error)) return error
  TRACED.add(error)
  Error.captureStackTrace?.(error, from)
  return error
}
