import { EventEmitter, once } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { framesOf, Leaks } from './leaks.js'
import type { PoolState } from './types.js'

const STATE: PoolState = { name: 'shop', max: 1, total: 1, idle: 0, used: 1, connecting: 0, waiting: 0 }

function watching(afterMillis: number) {
  const pool = Object.assign(new EventEmitter(), { name: 'shop', state: () => STATE })
  const leaks = new Leaks(pool, afterMillis)
  onTestFinished(() => leaks.end())
  return { pool, leaks }
}

const by = (name: string) =>
  Object.assign(new Error('x'), { stack: `Error: x\n    at ${name} (/app/${name}.js:1:1)` })

test('a client that is out for too long is told of once, with its state', async () => {
  const { pool, leaks } = watching(5)
  const told: { stack: string; millis: number; state: PoolState }[] = []
  pool.on('leak', leak => told.push(leak))
  for (const name of ['one', 'two', 'three']) {
    const next = once(pool, 'leak')
    leaks.took({}, by(name))
    await next
  }
  expect(told.map(({ stack }) => stack.trim())).toEqual([
    'at one (/app/one.js:1:1)',
    'at two (/app/two.js:1:1)',
    'at three (/app/three.js:1:1)',
  ])
  expect(told[0]).toMatchObject({ millis: expect.any(Number), state: STATE })
})

test('a client that came back in time is not told of', async () => {
  const { pool, leaks } = watching(5)
  const [back, out] = [{}, {}]
  leaks.took(back, leaks.trace())
  leaks.took(out, leaks.trace())
  leaks.gave(back)
  await once(pool, 'leak')
  expect(leaks.holders()).toHaveLength(1)
})

test('the process is warned where nobody listens', async () => {
  const { leaks } = watching(5)
  const warn = vi.spyOn(process, 'emitWarning')
  onTestFinished(() => warn.mockRestore())
  const warned = new Promise<void>(resolve => warn.mockImplementationOnce(() => resolve()))
  leaks.took({}, Object.assign(new Error('x'), { stack: 'Error: x\n    at claim (/app/routes.js:42:7)' }))
  await warned
  expect(warn).toHaveBeenCalledWith(
    expect.stringMatching(
      /^shop: a client is checked out for .* by claim \(routes\.js:42\); release it in a finally block, or use withConnection\(\)\. Pool: max 1: 1 used/,
    ),
    { type: 'HoldfastWarning', code: 'HOLDFAST_LEAK', detail: '    at claim (/app/routes.js:42:7)' },
  )
})

test('holders come with the longest first', () => {
  const { leaks } = watching(60_000)
  for (const name of ['one', 'two']) leaks.took({}, by(name))
  expect(leaks.holders().map(({ stack }) => stack)).toEqual([
    '    at one (/app/one.js:1:1)',
    '    at two (/app/two.js:1:1)',
  ])
})

test("a stack has neither Node's frames nor those of the pool itself", () => {
  const stack = [
    'Error: checked out',
    '    at Leaks.trace (file:///app/node_modules/holdfast/dist/pg.js:1:200)',
    '    at async claim (/app/routes.js:42:7)',
    '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
  ].join('\n')
  expect(framesOf(stack, 'file:///app/node_modules/holdfast/dist/')).toBe(
    '    at async claim (/app/routes.js:42:7)',
  )
})

test('an application in one bundle with the pool keeps its frames', () => {
  const stack = 'Error: x\n    at claim (/app/bundle.js:42:7)'
  expect(framesOf(stack, '/app/')).toBe('    at claim (/app/bundle.js:42:7)')
})

test('the limit of frames is left as it was', () => {
  const { leaks } = watching(60_000)
  const before = Error.stackTraceLimit
  leaks.trace()
  expect(Error.stackTraceLimit).toBe(before)
})
