import { expect, onTestFinished, test, vi } from 'vitest'
import { failure } from '../told.js'
import { healthRoutes, holdfastErrors, type RequestLike, type ResponseLike } from './express.js'
import { holdfastErrors as onFastify } from './fastify.js'
import { healthRoutes as honoRoutes, holdfastErrors as onHono } from './hono.js'
import { type ErrorOptions, responder } from './respond.js'

const refused = () =>
  failure('connection-refused', 'nobody at postgres://app:hunter2@db/app', {
    phase: 'connect',
    cause: new Error('connect ECONNREFUSED'),
  })

function logged() {
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => void log.mockRestore())
  return log
}

test('the log has the request without its query, the reason and every cause, and no password', () => {
  const log = logged()
  const response: ResponseLike = {
    headersSent: false,
    statusCode: 0,
    setHeader() {},
    removeHeader() {},
    end() {},
  }
  const request: RequestLike = {
    method: 'GET',
    url: '/1',
    originalUrl: '/orders/1?token=hunter2',
    headers: {},
  }
  holdfastErrors()(new Error('no orders', { cause: refused() }), request, response, () => {})
  const text = log.mock.calls.join()
  expect(text).toMatch(/^holdfast: GET \/orders\/1: 503 connection-refused, outcome not-sent: /)
  expect(text).toMatch(
    /Error: no orders\n.*Caused by: .*nobody at postgres:\/\/app:\*\*\*@db\/app\n.*Caused by: .*ECONNREFUSED/s,
  )
  expect(text).toContain(import.meta.filename)
  expect(text).not.toContain('hunter2')
})

test("Fastify's log has neither the statement nor its values", async () => {
  let handle = (..._: unknown[]): unknown => undefined
  const lines: unknown[] = []
  await onFastify(
    {
      setErrorHandler(handler) {
        handle = handler as typeof handle
      },
      get() {},
      addHook() {},
    },
    {},
  )
  const error = Object.assign(new Error('Duplicate entry'), {
    ...{ code: 'ER_LOCK_DEADLOCK', errno: 1213, sqlState: '40001' },
    ...{ sql: "INSERT INTO users VALUES ('hunter2')", values: ['hunter2'] },
  })
  const reply = { raw: { headersSent: false }, code() {}, headers() {}, removeHeader() {}, send() {} }
  handle(error, { url: '/', headers: {}, log: { error: (...line: unknown[]) => lines.push(line) } }, reply)
  expect(lines).toMatchObject([
    [{ err: { code: 'ER_LOCK_DEADLOCK' }, reason: 'transaction-conflict' }, expect.any(String)],
  ])
  expect(JSON.stringify(lines)).not.toContain('hunter2')
})

const fails = () => {
  throw new Error('hunter2')
}

test.each<[string, ErrorOptions<object>, string]>([
  ['instance throws', { instance: fails }, 'instance'],
  ['instance gives no text', { instance: () => 1n as never }, 'instance'],
  ['map throws', { map: fails }, 'map'],
  ['map gives what is no JSON', { map: () => ({ status: 409, n: 1n }) }, 'map'],
  ['map gives no status', { map: () => ({ status: 200 }) }, 'map'],
  ['retryAfterSeconds throws', { retryAfterSeconds: fails }, 'retryAfterSeconds'],
  ['onError throws', { onError: fails }, 'onError'],
  ['onError rejects', { onError: async () => fails() }, 'onError'],
])(
  'where %s the database error is answered all the same, and a warning says so',
  async (_, options, named) => {
    logged()
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    onTestFinished(() => void warned.mockRestore())
    const answer = responder(options, () => {})(refused(), {})
    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(JSON.stringify(answer?.body)).not.toContain('hunter2')
    await Promise.resolve()
    expect(warned.mock.calls.join()).toContain(named)
  },
)

test.each([
  ['express', healthRoutes],
  ['hono', honoRoutes],
])('the routes of %s say what they want in place of options', (_, routes) => {
  for (const given of [{ checks: {} }, undefined])
    expect(() => routes(given as never)).toThrow('healthRoutes: give it what health() gave')
})

test.each([
  ['express', () => holdfastErrors(null as never)],
  ['hono', () => onHono(null as never)],
])('holdfastErrors of %s says what is wrong with null', (_, make) => {
  expect(make).toThrow('holdfastErrors: null is not an object of options')
})
