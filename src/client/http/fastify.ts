import { ASKED, OF_ANOTHER_BODY } from './answer.js'
import { type Health, type HealthOptions, health } from './health.js'
import { checkKeys, checkType } from './options.js'
import { redacted, stacksOf } from './report.js'
import { type ErrorOptions, responder } from './respond.js'

export type { HealthAnswer, HealthReport } from './answer.js'
export type { Check } from './check.js'
export { type Health, type HealthOptions, health } from './health.js'
export { type Problem, type ProblemAnswer, type ProblemOptions, problemOf } from './problem.js'
export type { ErrorOptions } from './respond.js'
export type { CheckState, HealthReason } from './sampler.js'

/** As much of Fastify's request as is used here. */
export interface FastifyRequestLike {
  readonly url: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly log: { error(fields: object, message: string): void }
}

export interface FastifyReplyLike {
  readonly raw: { readonly headersSent: boolean }
  code(status: number): unknown
  headers(values: Record<string, string>): unknown
  removeHeader(name: string): unknown
  send(body: string | Uint8Array): unknown
}

/** As much of Fastify's instance as is used here; 4 and 5 have it. */
export interface FastifyLike {
  setErrorHandler(
    handler: (error: Error, request: FastifyRequestLike, reply: FastifyReplyLike) => unknown,
  ): unknown
  get(path: string, handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => unknown): unknown
  addHook(name: 'onReady' | 'onClose', hook: () => Promise<void>): unknown
}

export interface FastifyErrorOptions extends ErrorOptions<FastifyRequestLike> {
  /** What becomes of other errors: an error handler, as `setErrorHandler` takes it. Default: the one around it. */
  // A method, so that a handler with Fastify's own types is one.
  otherwise?(error: Error, request: FastifyRequestLike, reply: FastifyReplyLike): unknown
}

/** Without the driver's other fields: statements and their values are among them. */
function logged(error: unknown) {
  const { name = 'Error', message = String(error), code } = (error ?? {}) as Error & { code?: unknown }
  const stack = stacksOf(error)
  return { type: name, message: redacted(message), stack, ...(code === undefined ? {} : { code }) }
}

/**
 * Answers database errors of the whole app as application/problem+json. Everything else goes to `otherwise`, where an error handler
 * of yours belongs, or on to the one around it, in the end Fastify's own. Register it at the root.
 * @throws HoldfastError (usage) that names the option.
 * @example
 * await app.register(holdfastErrors)
 * app.get('/orders', async () => (await pool.query('SELECT * FROM orders')).rows)
 */
export const holdfastErrors = everywhere(
  'holdfast-errors',
  async (app: FastifyLike, options: FastifyErrorOptions): Promise<void> => {
    const { otherwise, ...rest } = options
    checkType('holdfastErrors: otherwise', otherwise, 'function')
    const respond = responder(rest, (error, { classification: { reason, outcome, advice } }, request) =>
      request.log.error({ err: logged(error), reason, outcome }, advice),
    )
    app.setErrorHandler((error, request, reply) => {
      const answer = reply.raw.headersSent ? undefined : respond(error, request)
      if (!answer && otherwise) return otherwise(error, request, reply)
      // Thrown, it goes to the handler around this one.
      if (!answer) throw error
      for (const name of OF_ANOTHER_BODY) reply.removeHeader(name)
      reply.code(answer.status)
      reply.headers(answer.headers)
      // As bytes: to a text Fastify adds a charset, which application/problem+json has not.
      return reply.send(Buffer.from(JSON.stringify(answer.body)))
    })
  },
)

/** What `healthRoutes` takes: the options of `health()`, or what that gave. Fastify's own `prefix` and `logLevel` hold, too. */
export type HealthRoutesOptions =
  | (HealthOptions & { readonly health?: undefined })
  | { readonly health: Health }

type RegisterOptions = HealthOptions & {
  readonly health?: Health
  readonly prefix?: unknown
  readonly logLevel?: unknown
  readonly logSerializers?: unknown
}

/**
 * The routes `/livez`, `/readyz` and `/startupz`. Sampling begins when the app is ready and ends when it closes.
 * @throws HoldfastError (usage) that names the option.
 * @example
 * await app.register(healthRoutes, { checks: { db: { pool }, cache: { address: process.env.REDIS_URL, critical: false } } })
 */
export async function healthRoutes(app: FastifyLike, options: HealthRoutesOptions): Promise<void> {
  const { prefix, logLevel, logSerializers, health: given, ...own } = options as RegisterOptions
  if (given) checkKeys('healthRoutes, beside health', own, [])
  const status = given ?? health(own)
  for (const asked of ASKED)
    app.get(`/${asked}`, (request, reply) => {
      const query = /\?.*$/.exec(request.url)?.[0] ?? ''
      const answer = status.answer(`/${asked}${query}`, String(request.headers.accept ?? ''))
      if (!answer) return reply.send('')
      reply.code(answer.status)
      reply.headers(answer.headers)
      return reply.send(answer.body)
    })
  app.addHook('onReady', async () => void status.start())
  app.addHook('onClose', () => status.stop())
}

/** Fastify's marks of a plugin that is the parent's: what it sets holds for the whole app. */
function everywhere<Plugin extends object>(name: string, plugin: Plugin): Plugin {
  return Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: name,
    [Symbol.for('plugin-meta')]: { name, fastify: '>=4' },
  })
}
