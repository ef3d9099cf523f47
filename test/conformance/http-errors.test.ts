import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify, { type FastifyError, type FastifyReply, type FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import pg from 'pg'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { holdfastErrors } from '../../src/client/http/express.js'
import { holdfastErrors as onFastify } from '../../src/client/http/fastify.js'
import { health } from '../../src/client/http/health.js'
import { holdfastErrors as onHono } from '../../src/client/http/hono.js'
import type { ProblemAnswer } from '../../src/client/http/problem.js'
import type { Pool, PoolOptions } from '../../src/client/pg/types.js'
import { createPool } from '../../src/client/pg.js'
import { told } from '../../src/client/told.js'
import { freePort } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'
import { type AppOptions, FRAMEWORKS, type Framework } from './http-frameworks.js'

async function answering(framework: Framework, options: AppOptions) {
  const served = await framework.serve(options)
  onTestFinished(() => served.close())
  return async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
    const response = await fetch(served.url + path, { headers, method })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) }
  }
}

function poolOf(options: PoolOptions = {}, url = sharedPostgres().url()): Pool {
  const pool = createPool(url, options)
  onTestFinished(() => pool.end())
  return pool
}

const PROBLEM = 'application/problem+json'

describe.each(FRAMEWORKS)('$name', framework => {
  test('an exhausted pool is 503 with its numbers and when to come again, and heals', async () => {
    const pool = poolOf({ max: 2, acquireTimeoutMillis: 500, name: 'orders-of-acme' })
    const held = [await pool.connect(), await pool.connect()]
    const get = await answering(framework, { routes: { orders: () => pool.query('SELECT 1') } })
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/orders')))
    for (const { status, headers, json, text } of answers) {
      expect([status, headers.get('content-type'), headers.get('retry-after')]).toEqual([503, PROBLEM, '1'])
      expect(json()).toEqual({
        type: 'urn:holdfast:problem:pool-exhausted',
        title: 'No connection is free in the pool or pooler',
        status: 503,
        instance: 'urn:example:request',
        reason: 'pool-exhausted',
        outcome: 'not-sent',
        pool: { max: 2, used: 2, idle: 0, waiting: expect.any(Number) },
      })
      expect(text).not.toContain('acme')
    }
    for (const client of held) client.release()
    expect((await get('/orders')).status).toBe(200)
    expect(pool.state()).toMatchObject({ used: 0, waiting: 0 })
  })

  test('a server that is away is 503, and may be asked again', async () => {
    const pool = poolOf({ connectAttempts: 1 }, sharedPostgres().url({ port: await freePort() }))
    const get = await answering(framework, { routes: { orders: () => pool.query('SELECT 1') } })
    const { status, headers, json } = await get('/orders')
    expect([status, headers.get('retry-after')]).toEqual([503, '1'])
    expect(json()).toMatchObject({ reason: 'connection-refused', outcome: 'not-sent' })
  })

  test('a statement that runs into its time limit is 504', async () => {
    const pool = poolOf({ query_timeout: 50 })
    const get = await answering(framework, { routes: { slow: () => pool.query('SELECT pg_sleep(10)') } })
    const { status, headers, json } = await get('/slow')
    expect([status, headers.get('content-type'), headers.get('retry-after')]).toEqual([504, PROBLEM, null])
    expect(json()).toEqual({
      type: 'urn:holdfast:problem:statement-timeout',
      title: 'A statement ran into a time limit, or was cancelled',
      status: 504,
      instance: 'urn:example:request',
      reason: 'statement-timeout',
      outcome: 'rejected',
    })
  })

  test('a session that is lost in a transaction is 500, and nobody is told to come again', async () => {
    const pool = poolOf()
    const lose = () =>
      pool.transaction(client => client.query('SELECT pg_terminate_backend(pg_backend_pid())'))
    const get = await answering(framework, { routes: { lose } })
    const { status, headers, json } = await get('/lose')
    expect([status, headers.get('retry-after')]).toEqual([500, null])
    expect(json()).toMatchObject({ reason: 'connection-lost', outcome: 'rejected', status: 500 })
  })

  test('a rejected password is 500 and says nothing of who and where', async () => {
    const server = sharedPostgres()
    const pool = poolOf({}, server.url({ password: 'not-the-password' }))
    const get = await answering(framework, {
      routes: { locked: () => pool.query('SELECT 1') },
    })
    const { status, text, json } = await get('/locked')
    expect(status).toBe(500)
    expect(Object.keys(json())).toEqual(['type', 'title', 'status', 'instance', 'reason', 'outcome'])
    for (const secret of ['not-the-password', server.host, String(server.port), `"${server.user}"`, '28P01'])
      expect(text).not.toContain(secret)
  })

  test('an answer of your own takes the place of ours', async () => {
    const pool = poolOf({ max: 1 })
    await pool.query('CREATE TEMPORARY TABLE once (it int PRIMARY KEY); INSERT INTO once VALUES (1)')
    const get = await answering(framework, {
      routes: { twice: () => pool.query('INSERT INTO once VALUES (1)') },
      errors: {
        map: ({ code }) => (code === '23505' ? { status: 409, title: 'It is there already' } : undefined),
      },
    })
    const { status, headers, json } = await get('/twice')
    expect([status, headers.get('content-type')]).toEqual([409, PROBLEM])
    expect(json()).toEqual({ type: 'about:blank', title: 'It is there already', status: 409 })
  })

  test('what a route had said of its own body does not break the problem', async () => {
    const get = await answering(framework, { half: async () => Promise.reject(await lost()) })
    const { status, headers, json } = await get('/half')
    expect([status, json().reason]).toEqual([500, 'connection-lost'])
    for (const name of ['etag', 'content-encoding', 'content-disposition'])
      expect(headers.get(name)).toBeNull()
    expect(headers.get('x-kept')).toBe('yes')
  })

  test('every error that is answered is told of, whole', async () => {
    const heard: [unknown, ProblemAnswer][] = []
    const pool = poolOf()
    const get = await answering(framework, {
      routes: { wrong: () => pool.query('SELECT nonsense') },
      onError: (error, answer) => heard.push([error, answer]),
    })
    expect((await get('/wrong')).status).toBe(500)
    expect(heard).toEqual([
      [
        expect.any(pg.DatabaseError),
        expect.objectContaining({ status: 500, classification: expect.anything() }),
      ],
    ])
  })

  test("the framework's own errors stay as they are", async () => {
    const get = await answering(framework, {})
    const { status, headers, text } = await get('/refused')
    expect(status).toBe(400)
    expect(headers.get('content-type')).not.toContain('problem')
    expect(text).toContain('who')
  })

  test("the program's own errors are the framework's, also where they look like a lost connection", async () => {
    const { bug } = framework
    vi.spyOn(console, 'error').mockImplementation(() => {})
    onTestFinished(() => void vi.restoreAllMocks())
    const get = await answering(framework, {
      routes: {
        bug: async () => {
          throw new Error('a bug')
        },
        file: async () => {
          throw Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open', errno: -2 })
        },
        refused2: async () => {
          throw Object.assign(new Error('not yours'), { status: 403, statusCode: 403, cause: await lost() })
        },
      },
    })
    for (const path of ['/bug', '/file']) {
      const { status, headers } = await get(path)
      expect([status, headers.get('content-type')]).toEqual([bug.status, expect.stringMatching(bug.type)])
    }
    expect((await get('/refused2')).headers.get('content-type')).not.toContain('problem')
  })

  test('health is answered in text and JSON, also to HEAD, and 503 while it drains', async () => {
    const status = health({ checks: { db: { pool: poolOf() } }, drainOnSigterm: false })
    onTestFinished(() => status.stop())
    const get = await answering(framework, { health: status, routes: { other: async () => 'here' } })
    await expect.poll(() => status.report('readyz').status).toBe('ok')
    const plain = await get('/readyz')
    expect([plain.status, plain.text]).toEqual([200, 'ok'])
    expect(plain.headers.get('cache-control')).toBe('no-store')
    expect((await get('/startupz?verbose')).text).toBe('[+]db ok\nstartupz check passed\n')
    expect((await get('/livez')).text).toBe('ok')
    expect((await get('/other')).json()).toEqual({ it: 'here' })
    expect(await get('/readyz', {}, 'HEAD')).toMatchObject({ status: 200, text: '' })
    status.drain()
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      text: '[+]db ok\n[-]shutdown failed: draining\nreadyz check failed\n',
    })
    const { json } = await get('/readyz', { accept: 'application/json' })
    expect(json()).toMatchObject({
      status: 'failed',
      checks: [{ name: 'db', state: 'ok', critical: true, ageMs: expect.any(Number) }, { name: 'shutdown' }],
    })
  })
})

const lost = async () =>
  told(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }), {
    phase: 'statement',
    sent: true,
  })

test("fastify: a handler of yours gets what is no database's, with Fastify's own types", async () => {
  const app = fastify()
  onTestFinished(() => app.close())
  await app.register(onFastify, {
    otherwise: (error: FastifyError, _request: FastifyRequest, reply: FastifyReply) =>
      reply.code(418).send(error.message),
    onError: () => {},
  })
  app.get('/bug', async () => {
    throw new Error('a bug')
  })
  app.get('/lost', async () => Promise.reject(await lost()))
  expect(await app.inject('/bug')).toMatchObject({ statusCode: 418, body: 'a bug' })
  expect((await app.inject('/lost')).statusCode).toBe(500)
})

test("hono: a handler of yours gets what is no database's, with Hono's own context", async () => {
  const app = new Hono()
  app.onError(onHono({ otherwise: (error, c) => c.text(error.message, 418) }))
  app.get('/bug', () => {
    throw new Error('a bug')
  })
  const response = await app.request('/bug')
  expect([response.status, await response.text()]).toEqual([418, 'a bug'])
})

test('express: what fails after the headers were sent ends the connection, and nothing is added', async () => {
  const pool = poolOf()
  const app = express()
  app.set('env', 'test')
  app.get('/half', async (_request, response) => {
    response.write('half')
    await pool.query('SELECT nonsense')
  })
  app.use(holdfastErrors())
  const server = app.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await expect(fetch(`http://127.0.0.1:${port}/half`).then(response => response.text())).rejects.toThrow(
    'terminated',
  )
})
