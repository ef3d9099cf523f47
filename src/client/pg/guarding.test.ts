import { expect, test } from 'vitest'
import { checkGuarding } from './guarding.js'

test.each([
  [{ circuitBreaker: true }, 'circuitBreaker: true is not an object with failures and halfOpenAfterMillis'],
  [{ circuitBreaker: { failures: 0 } }, 'circuitBreaker.failures: 0 is not a whole number from 1'],
  [
    { circuitBreaker: { halfOpenAfter: 1 } },
    'circuitBreaker.halfOpenAfter: unknown option; did you mean failures or halfOpenAfterMillis?',
  ],
  [{ circuitBreaker: { failure: 1 } }, 'circuitBreaker.failure: unknown option; did you mean failures?'],
  [{ bulkhead: {} }, 'bulkhead: it needs concurrent, how many may be at work at the same time'],
  [{ bulkhead: { concurrent: '4' } }, 'bulkhead.concurrent: "4" is not a whole number from 1'],
  [{ bulkhead: { concurrent: 4, queue: -1 } }, 'bulkhead.queue: -1 is not a whole number from 0'],
  [{ meter: {} }, "meter: it is no Meter of @opentelemetry/api; give metrics.getMeter('NAME')"],
])('%j is rejected by its name and value', (options, message) => {
  expect(() => checkGuarding(options as never)).toThrow(message)
})

test('what is right, or not there, passes', () => {
  checkGuarding({})
  checkGuarding({ circuitBreaker: {}, bulkhead: { concurrent: 1 }, meter: { createHistogram: () => {} } })
})
