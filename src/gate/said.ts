/** Findings of a wait itself, which few waits need. */
export const NOT_WAITED_FOR = {
  reason: 'unknown',
  message: 'another target decided before this one had answered',
  advice: 'Nothing is known of it. Wait for it alone to see what it is like.',
} as const

export const STILL_THERE = {
  reason: 'unmet',
  message: 'it still answers',
  advice: 'Stop the server.',
} as const
