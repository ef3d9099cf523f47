/** What the shop itself refuses, as problem details (RFC 9457). A `type` is for programs; who has none is `about:blank`. */
import { STATUS_CODES } from 'node:http'

export const EMAIL_TAKEN = ['email-taken', 'This email is taken']
export const CODE_TAKEN = ['code-taken', 'This code is taken']
export const ALREADY_CLAIMED = ['already-claimed', 'This user has claimed this coupon']
export const SOLD_OUT = ['sold-out', 'No coupon remains']

export function problem(reply, status, [name, title] = [undefined, STATUS_CODES[status]], more = {}) {
  const type = name ? `tag:shop.example,2026:${name}` : 'about:blank'
  return reply
    .code(status)
    .header('content-type', 'application/problem+json')
    .send({ type, title, status, ...more })
}

/** What no database is to blame for: a path that is not there, a body that is not right, a mistake of the shop's. */
export function answersProblems(app) {
  app.setNotFoundHandler((_request, reply) => problem(reply, 404))
  app.setErrorHandler(answersError)
}

export function answersError(error, { method, url }, reply) {
  const { statusCode: status = 500, message } = error
  if (status < 500) return problem(reply, status, undefined, { detail: message })
  console.error(`shop: ${method} ${url}: ${error.stack ?? message}`)
  return problem(reply, 500)
}
