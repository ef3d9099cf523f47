import { OF_ANOTHER_BODY } from './answer.js'
import { checkHealth, type Health } from './health.js'
import { type ErrorOptions, responder, toConsole } from './respond.js'

export type { HealthAnswer, HealthReport } from './answer.js'
export type { Check } from './check.js'
export { type Health, type HealthOptions, health } from './health.js'
export { type Problem, type ProblemAnswer, type ProblemOptions, problemOf } from './problem.js'
export type { ErrorOptions } from './respond.js'
export type { CheckState, HealthReason } from './sampler.js'

/** As much of a request as is used here: node:http's own is one. */
export interface RequestLike {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Express' own: `url` before it was mounted. */
  readonly originalUrl?: string
  readonly headers: { readonly accept?: string | undefined }
}

/** As much of a response as is used here: node:http's own is one. */
export interface ResponseLike {
  readonly headersSent: boolean
  statusCode: number
  setHeader(name: string, value: string): unknown
  removeHeader(name: string): unknown
  end(body: string): unknown
}

/**
 * Error-handling middleware: answers database errors as application/problem+json, and hands everything else, and what fails
 * after the headers were sent, on to the next handler. Use it after the routes.
 * @throws HoldfastError (usage) that names the option.
 * @example
 * app.get('/orders', async (_request, response) => response.json((await pool.query('SELECT * FROM orders')).rows))
 * app.use(holdfastErrors())
 */
export function holdfastErrors<Request extends RequestLike = RequestLike>(
  options: ErrorOptions<Request> = {},
) {
  const respond = responder(options, (error, answer, { method, originalUrl, url = '' }) =>
    toConsole(error, answer, { method, path: originalUrl ?? url }),
  )
  // Express tells it from other middleware by its four parameters.
  return (
    error: unknown,
    request: Request,
    response: ResponseLike,
    next: (error?: unknown) => void,
  ): void => {
    const answer = response.headersSent ? undefined : respond(error, request)
    if (!answer) {
      next(error)
      return
    }
    for (const name of OF_ANOTHER_BODY) response.removeHeader(name)
    send(response, answer.status, answer.headers, JSON.stringify(answer.body))
  }
}

/**
 * Middleware that answers GET and HEAD of `/livez`, `/readyz` and `/startupz` below where it is mounted, also in Connect and
 * in a bare node:http server. Starts what it is given; stop that yourself.
 * @throws HoldfastError (usage) where it is given anything but what `health()` gave.
 * @example
 * const status = health({ checks: { db: { pool } } })
 * app.use(healthRoutes(status))
 */
export function healthRoutes(status: Health) {
  checkHealth(status).start()
  return (request: RequestLike, response: ResponseLike, next: () => void): void => {
    const asks = request.method === 'GET' || request.method === 'HEAD'
    const answer = asks ? status.answer(request.url ?? '', request.headers.accept) : undefined
    if (answer) send(response, answer.status, answer.headers, answer.body)
    else next()
  }
}

function send(
  response: ResponseLike,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): void {
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(body)
}
