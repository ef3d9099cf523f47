/** What every helper for a driver promises, each against a real server. */
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { classify } from '../../src/services/classify.js'
import { belongings, leftSince } from '../support/leaks.js'
import { CLIENTS } from './clients.js'

let before: ReturnType<typeof belongings>

describe.each(CLIENTS)('$name', client => {
  const started = async () => {
    const server = await client.start()
    onTestFinished(() => server.remove())
    before = belongings()
    return server
  }

  afterEach(async () => {
    // Where it was restarted, the server is another process; files are other tests'.
    const mine = async () => (await leftSince(before, 50)).filter(left => / × /.test(left))
    await expect.poll(mine, { timeout: 3000 }).toEqual([])
  })

  const failureOf = (work: Promise<unknown>) =>
    work.then(
      value => Promise.reject(new Error(`resolved with ${value}`)),
      error => error,
    )

  test('tries again where nothing listens, then tells why', async () => {
    const server = await started()
    await server.stop()
    const attempts = { connectAttempts: 3, backoffMillis: 20 }
    const error = await failureOf(client.connect(server.url(), attempts))
    expect(error.holdfast).toMatchObject({
      reason: 'connection-refused',
      phase: 'connect',
      outcome: 'not-sent',
    })
    expect(classify(error)).toMatchObject({ code: 'ECONNREFUSED', httpStatus: 503 })
    const late = client.connect(server.url(), { connectAttempts: 1000, backoffMillis: 20, backoffFactor: 1 })
    await server.start()
    await (await late).close()
  })

  test('has a wrong password rejected twice at most, and says so', async () => {
    const server = await started()
    const error = await failureOf(
      client.connect(server.url({ password: 'wrong-one' }), { backoffMillis: 1, connectAttempts: 10 }),
    )
    expect(error.holdfast).toMatchObject({
      reason: 'authentication-failed',
      outcome: 'not-sent',
      httpStatus: 500,
    })
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('wrong-one')
    const rejected = await server.rejected()
    expect(rejected).toBeGreaterThan(0)
    expect(rejected).toBeLessThanOrEqual(2)
  })

  test('has no command executed twice whose answer was lost, and the next one works', async () => {
    const server = await started()
    const it = await client.connect(server.url(), { backoffMillis: 20 })
    await it.add()
    await server.loseAnswer()
    const error = await failureOf(it.add())
    expect(error.holdfast).toMatchObject({
      reason: 'connection-lost',
      phase: 'statement',
      outcome: 'unknown',
      httpStatus: 500,
    })
    await server.restoreAnswers()
    await it.ask()
    // Executed or not, it was once at most.
    expect(await server.sum()).toBeLessThanOrEqual(2)
    await it.close()
  })

  test('goes on after the server was restarted', async () => {
    const server = await started()
    const it = await client.connect(server.url(), { backoffMillis: 20 })
    await it.ask()
    await server.restart()
    // The first may meet the lost connection; what is told then makes repeating it safe.
    await it.ask().catch(error => {
      expect(error.holdfast.reason).toBe('connection-lost')
      return it.ask()
    })
    await it.close()
  })

  test('ends a command that takes too long, with a reason and a code', async () => {
    const server = await started()
    const it = await client.connect(server.url(), { [client.commandTimeout]: 100, backoffMillis: 20 })
    await server.hold()
    const error = await failureOf(it.slow())
    expect(error.holdfast).toMatchObject({
      reason: 'statement-timeout',
      phase: 'statement',
      outcome: 'unknown',
      httpStatus: 504,
    })
    expect(error.code).toEqual(expect.any(String))
    await server.letGo()
    await it.ask().catch(() => it.ask())
    await it.close()
  })

  test('does not wait for a connection longer than it may, and what was refused then is never sent', async () => {
    const server = await started()
    const it = await client.connect(server.url(), {
      acquireTimeoutMillis: 150,
      backoffMillis: 20,
      backoffFactor: 1,
    })
    await server.stop()
    await it.ask().catch(() => {})
    const errors = await Promise.all([failureOf(it.add()), failureOf(it.add())])
    for (const error of errors)
      expect(error.holdfast).toMatchObject({
        outcome: 'not-sent',
        reason: 'connection-refused',
        httpStatus: 503,
      })
    await server.start()
    const answered = () =>
      it.ask().then(
        () => true,
        () => false,
      )
    await expect.poll(answered, { timeout: 10_000 }).toBe(true)
    expect(await server.sum()).toBe(0)
    await it.close()
  })

  test('says what the server rejected, as the driver does', async () => {
    const server = await started()
    const it = await client.connect(server.url())
    const error = await failureOf(it.wrong())
    expect(error.holdfast).toMatchObject({ reason: 'query-error', outcome: 'rejected', httpStatus: 500 })
    expect(Object.keys(error)).not.toContain('holdfast')
    await it.close()
  })

  test('names an option that is misspelt, a value that cannot be, and an address of another service', async () => {
    before = belongings()
    await expect(client.connect(client.address, { connectAttemps: 3 })).rejects.toThrow(
      /Did you mean "connectAttempts"/,
    )
    await expect(client.connect(client.address, { backoffMillis: -1 })).rejects.toThrow(/backoffMillis is -1/)
    await expect(client.connect('postgres://u:geheim@h/db')).rejects.toThrow(/an address of postgres/)
    await expect(client.connect('postgres://u:geheim@h/db')).rejects.not.toThrow(/geheim/)
  })

  test('ends with the signal while it connects', async () => {
    const server = await started()
    server.pause()
    const given = new AbortController()
    const waits = client.connect(server.url(), { signal: given.signal })
    setImmediate(() => given.abort(new Error('no longer wanted')))
    await expect(waits).rejects.toThrow('no longer wanted')
    server.resume()
  })
})
