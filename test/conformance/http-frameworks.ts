/** The three adapters behind one face: a listening server whose route `/NAME` does what a test says. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import * as forExpress from '../../src/client/http/express.js'
import * as forFastify from '../../src/client/http/fastify.js'
import type { Health } from '../../src/client/http/health.js'
import * as forHono from '../../src/client/http/hono.js'
import type { ProblemAnswer, ProblemOptions } from '../../src/client/http/problem.js'

export interface AppOptions {
  readonly routes?: Readonly<Record<string, () => Promise<unknown>>>
  /** What `/half` does once it has begun to describe its body. */
  readonly half?: () => Promise<unknown>
  readonly errors?: Omit<ProblemOptions, 'instance'>
  readonly health?: Health
  readonly onError?: (error: unknown, answer: ProblemAnswer) => void
}

export interface Served {
  readonly url: string
  close(): Promise<void>
}

export interface Framework {
  readonly name: string
  serve(options: AppOptions): Promise<Served>
  /** What the framework answers by itself to its own `refused` (403) and to the program's `bug`. */
  readonly bug: { readonly status: number; readonly type: RegExp }
}

const quiet = () => {}

const HALF = {
  'x-kept': 'yes',
  'content-length': '5',
  'content-encoding': 'gzip',
  'content-disposition': 'attachment; filename=a.csv',
  etag: '"v1"',
}
const instance = () => 'urn:example:request'

const onFastify: Framework = {
  name: 'fastify',
  bug: { status: 500, type: /^application\/json/ },
  async serve({ routes = {}, half = async () => {}, errors = {}, health, onError = quiet }) {
    const app = fastify()
    await app.register(forFastify.holdfastErrors, { ...errors, instance, onError })
    if (health) await app.register(forFastify.healthRoutes, { health })
    // In a plugin of its own: what is registered above holds there, too.
    await app.register(async inner => {
      for (const [name, work] of Object.entries(routes))
        inner.get(`/${name}`, async () => ({ it: await work() }))
      inner.get('/half', async (_request, reply) => {
        reply.headers(HALF)
        await half()
      })
      inner.get(
        '/refused',
        {
          schema: {
            querystring: { type: 'object', required: ['who'], properties: { who: { type: 'string' } } },
          },
        },
        async () => 'welcome',
      )
    })
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    return { url, close: () => app.close() }
  },
}

const onExpress: Framework = {
  name: 'express',
  bug: { status: 500, type: /^text\/html/ },
  async serve({ routes = {}, half = async () => {}, errors = {}, health, onError = quiet }) {
    const app = express()
    app.set('env', 'test')
    if (health) app.use(forExpress.healthRoutes(health))
    for (const [name, work] of Object.entries(routes))
      app.get(`/${name}`, async (_request, response) => {
        response.json({ it: await work() })
      })
    app.get('/half', async (_request, response) => {
      response.set(HALF)
      await half()
    })
    app.get('/refused', () => {
      throw Object.assign(new Error('who is it?'), { status: 400, expose: true })
    })
    app.use(forExpress.holdfastErrors({ ...errors, instance, onError }))
    const server = app.listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    return { url: urlOf(server), close: () => closed(server) }
  },
}

const onHono: Framework = {
  name: 'hono',
  bug: { status: 500, type: /^text\/plain/ },
  async serve({ routes = {}, half = async () => {}, errors = {}, health, onError = quiet }) {
    const app = new Hono()
    app.onError(forHono.holdfastErrors({ ...errors, instance, onError }))
    if (health) app.use(forHono.healthRoutes(health))
    for (const [name, work] of Object.entries(routes))
      app.get(`/${name}`, async c => c.json({ it: await work() }))
    app.get('/half', async c => {
      for (const [name, value] of Object.entries(HALF)) c.header(name, value)
      await half()
      return c.body(null)
    })
    app.get('/refused', () => {
      throw new HTTPException(400, { message: 'who is it?' })
    })
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }) as Server
    if (!server.listening) await new Promise(resolve => server.once('listening', resolve))
    return { url: urlOf(server), close: () => closed(server) }
  },
}

export const FRAMEWORKS: readonly Framework[] = [onFastify, onExpress, onHono]

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve, reject) => server.close(error => (error ? reject(error) : resolve())))
}
