import { OF_ANOTHER_BODY } from './answer.js'
import { checkHealth, type Health } from './health.js'
import { checkKeys, checkType } from './options.js'
import { type ErrorOptions, responder, toConsole } from './respond.js'

export type { HealthAnswer, HealthReport } from './answer.js'
export type { Check } from './check.js'
export { type Health, type HealthOptions, health } from './health.js'
export { type Problem, type ProblemAnswer, type ProblemOptions, problemOf } from './problem.js'
export type { ErrorOptions } from './respond.js'
export type { CheckState, HealthReason } from './sampler.js'

/** As much of Hono's context as is used here. */
export interface ContextLike {
  readonly req: {
    readonly method: string
    readonly path: string
    readonly url: string
    header(name: string): string | undefined
  }
  /** Without a value it takes the header away. */
  header(name: string, value?: undefined): void
  // Hono's own types list every status; `never` is any of them.
  newResponse(body: never, status?: never, headers?: Record<string, string>): Response
}

/** `app.onError`'s handler. */
export type ErrorHandlerLike<Context extends ContextLike = ContextLike> = (
  error: Error,
  context: Context,
) => Response | Promise<Response>

/**
 * For `app.onError`: answers database errors as application/problem+json. Everything else goes to `otherwise`, which is
 * by default what Hono does: an HTTPException's own response, else 500.
 * @throws HoldfastError (usage) that names the option.
 * @example
 * app.onError(holdfastErrors())
 * app.get('/orders', async c => c.json((await pool.query('SELECT * FROM orders')).rows))
 */
export function holdfastErrors<Context extends ContextLike = ContextLike>(
  options: ErrorOptions<Context> & { readonly otherwise?: ErrorHandlerLike<Context> } = {},
): ErrorHandlerLike<Context> {
  checkKeys('holdfastErrors', options, Object.keys(options ?? {}))
  const { otherwise = asHono, ...rest } = options
  checkType('holdfastErrors: otherwise', otherwise, 'function')
  const respond = responder(rest, (error, answer, { req }) => toConsole(error, answer, req))
  return (error, context) => {
    const answer = respond(error, context)
    if (!answer) return otherwise(error, context)
    for (const name of OF_ANOTHER_BODY) context.header(name)
    // Through the context, so that headers which middleware has set stay.
    return respondWith(context, JSON.stringify(answer.body), answer.status, answer.headers)
  }
}

/**
 * Middleware that answers `/livez`, `/readyz` and `/startupz`, below `prefix` if there is one. Starts what it is given;
 * stop that yourself.
 * @throws HoldfastError (usage) where it is given anything but what `health()` gave.
 * @example
 * const status = health({ checks: { db: { pool } } })
 * app.use(healthRoutes(status))
 */
export function healthRoutes(status: Health, { prefix = '' }: { readonly prefix?: string } = {}) {
  checkHealth(status).start()
  return async (context: ContextLike, next: () => Promise<void>): Promise<Response | undefined> => {
    const { method, path, url } = context.req
    const asks = (method === 'GET' || method === 'HEAD') && path.startsWith(prefix)
    const query = /\?[^#]*/.exec(url)?.[0] ?? ''
    const answer = asks
      ? status.answer(path.slice(prefix.length) + query, context.req.header('accept'))
      : undefined
    if (answer) return respondWith(context, answer.body, answer.status, answer.headers)
    await next()
    return undefined
  }
}

const respondWith = (
  context: ContextLike,
  body: Response['body'] | string,
  status: number | Response,
  headers?: Record<string, string>,
): Response => context.newResponse(body as never, status as never, headers)

const asHono: ErrorHandlerLike = (error, context) => {
  if ('getResponse' in error && typeof error.getResponse === 'function') {
    const response = error.getResponse() as Response
    return respondWith(context, response.body, response)
  }
  console.error(error)
  return respondWith(context, 'Internal Server Error', 500, { 'content-type': 'text/plain; charset=UTF-8' })
}
