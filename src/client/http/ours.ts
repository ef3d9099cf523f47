import { HoldfastError } from '../../core/errors.js'
import { Look } from '../../core/look.js'
import { type Classification, classify, type Driver } from '../../services/classify.js'
import { isTold } from '../told.js'
import { isMarked } from './marks.js'

/**
 * What the error means where it is one of a database: it, or what it was caused by, was told by a helper of
 * holdfast, or bears a driver's own class or code; with `driver` also where only its socket or its wording tells.
 * `undefined` where somebody else decides: it has an HTTP status of its own (Fastify's, http-errors', Hono's), or is
 * the program's, a file's or another server's.
 */
export function classifyOurs(error: unknown, driver?: Driver): Classification | undefined {
  try {
    return oursIn(error, driver)
  } catch {
    // A getter or a proxy of the program's threw.
    return undefined
  }
}

function oursIn(error: unknown, driver: Driver | undefined): Classification | undefined {
  if (isTold(error)) return classify(error)
  if (typeof error !== 'object' || hasStatus(error)) return undefined
  const found = classify(error, driver ? { driver } : {})
  if (chain(error).some(one => isTold(one) || (HoldfastError.is(one) && one.verdict))) return found
  if (found.reason === 'unknown' || found.reason === 'client-misuse') return undefined
  if (isElsewhere(error)) return undefined
  return driver || chain(error).some(isMarked) ? found : undefined
}

/** The error and its causes. */
export function chain(error: unknown): unknown[] {
  const all: unknown[] = []
  for (let at = error; typeof at === 'object' && at !== null && all.length < 8; at = causeOf(at)) all.push(at)
  return all
}

function causeOf(error: object): unknown {
  try {
    return (error as { cause?: unknown }).cause
  } catch {
    return undefined
  }
}

/** Made to be answered: http-errors and Fastify have `statusCode`, Hono and Koa `status`. */
function hasStatus(error: unknown): boolean {
  const seen = Look.at(error)
  return [seen.number('statusCode'), seen.number('status')].some(
    status => status !== undefined && status >= 400 && status < 600,
  )
}

/** System calls of sockets and of the resolver; `read` and `write` are those of files, too. */
const SOCKETS = /^(connect|getaddrinfo|query[A-Z]\w*)$/
const LOST = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'EHOSTUNREACH', 'ENETUNREACH']

/** What HTTP clients throw: axios, node-fetch, got. */
const isClients = (error: Look): boolean =>
  error.flag('isAxiosError') === true || error.is('AxiosError', 'FetchError') || error.has('timings')

/** Errors that look like a database's by their code or name alone. */
function isElsewhere(error: unknown): boolean {
  // The program's own, `fetch failed` among them, and what an AbortSignal that is none of ours gave.
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true
  if (error instanceof DOMException) return true
  return chain(error).some(one => {
    const seen = Look.at(one)
    if (isClients(seen)) return true
    const [code, syscall] = [seen.code, seen.text('syscall')]
    if (syscall && !SOCKETS.test(syscall)) return !(/^(read|write)$/.test(syscall) && LOST.includes(code))
    // Node's streams and arguments; a request that its client ended.
    return (
      code === 'ABORT_ERR' || /^ERR_(?!TLS_|SSL_|OSSL_)/.test(code) || (LOST.includes(code) && aborted(seen))
    )
  })
}

const aborted = (error: Look): boolean => error.message === 'aborted' && error.kind === 'Error'
