import { STATUS_CODES } from 'node:http'
import { usage } from '../../core/errors.js'
import { Look } from '../../core/look.js'
import { type ReasonId, reasonOf } from '../../core/reasons.js'
import type { Classification, Driver, Outcome } from '../../services/classify.js'
import { checkKeys, checkType } from './options.js'
import { chain, classifyOurs } from './ours.js'

/** A problem's members by RFC 9457, section 3.1, and its extensions. */
export interface Problem {
  /** 400 to 599. */
  readonly status: number
  /** A URI. Default `about:blank`: nothing but the status. */
  readonly type?: string
  /** Default: the status' own phrase. */
  readonly title?: string
  readonly detail?: string
  readonly instance?: string
  /** Of the table of reasons. */
  readonly reason?: ReasonId
  /** What became of the statement. A client must not repeat by itself what is `unknown`. */
  readonly outcome?: Outcome
  /** Where none of the pool's connections was free: numbers alone. */
  readonly pool?: PoolNumbers
  readonly [extension: string]: unknown
}

export interface PoolNumbers {
  readonly max: number
  /** Checked out. */
  readonly used: number
  readonly idle: number
  readonly waiting: number
}

export interface ProblemOptions {
  /** Seconds after which it may be asked again, in place of 1 for what heals soon and 5 for what heals slowly; `undefined` leaves it to those, 0 sends none. Of 503 only, and never where the outcome is unknown. */
  readonly retryAfterSeconds?: number | ((classification: Classification) => number | undefined)
  /** An answer of your own, for 23505 (unique violation) a 409, say; `undefined` leaves it as it is. Nothing is added to it. */
  readonly map?: (classification: Classification, error: unknown) => Problem | undefined
  /** What the types begin with; the reason follows. Default `urn:holdfast:problem:`. Give the address of your documentation. */
  readonly typeBase?: string
  /** False: nothing but the status and its phrase, for those who need not know that there is a database. Default true. */
  readonly expose?: boolean
  /** A URI for this occurrence. */
  readonly instance?: string
  /** The package that errors come from which no helper of holdfast told of: then its sockets' errors and its wordings count, too, from wherever they come. Default: none, so that an error has to bear a driver's own class or code. */
  readonly driver?: Driver
}

/** What to answer. */
export interface ProblemAnswer {
  readonly status: number
  /** In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Problem
  readonly classification: Classification
}

export const PROBLEM_OPTIONS = [
  'retryAfterSeconds',
  'map',
  'typeBase',
  'expose',
  'instance',
  'driver',
] as const satisfies readonly (keyof ProblemOptions)[]

/**
 * The answer to a request that a database's error ended, as application/problem+json (RFC 9457): 503, 504 or 500 by the
 * table of reasons, and for a 503 that may be repeated Retry-After (RFC 9110, section 10.2.3). Nothing of the error's text is in it.
 * `undefined` for an error that is no database's, or has an HTTP status of its own: leave it to the framework.
 * @throws HoldfastError (usage) where `map` or `retryAfterSeconds` gave what cannot be sent; its cause is the error.
 * @example
 * const answer = problemOf(error)
 * if (answer) response.writeHead(answer.status, answer.headers).end(JSON.stringify(answer.body))
 */
export function problemOf(error: unknown, options: ProblemOptions = {}): ProblemAnswer | undefined {
  const classification = classifyOurs(error, options.driver)
  if (!classification) return undefined
  const mapped = options.map?.(classification, error)
  const body = mapped ? checked(mapped, error) : problem(classification, error, options)
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  const seconds = body.status === 503 ? retryAfter(classification, options) : 0
  if (seconds > 0) headers['retry-after'] = String(seconds)
  return { status: body.status, headers, body, classification }
}

/** @throws HoldfastError (usage) for what no request should have to find. */
export function checkProblemOptions(where: string, options: ProblemOptions): void {
  const { retryAfterSeconds: seconds } = options
  if (typeof seconds !== 'function') checkSeconds(`${where}: retryAfterSeconds`, seconds)
  checkType(`${where}: map`, options.map, 'function')
  checkType(`${where}: typeBase`, options.typeBase, 'string')
  checkType(`${where}: expose`, options.expose, 'boolean')
  checkType(`${where}: driver`, options.driver, 'string')
}

export function checkErrorOptions(where: string, options: object, more: readonly string[] = []): void {
  checkKeys(where, options, [...PROBLEM_OPTIONS, ...more])
  checkProblemOptions(where, options)
}

function problem(
  classification: Classification,
  error: unknown,
  { typeBase = 'urn:holdfast:problem:', expose = true, instance }: ProblemOptions,
): Problem {
  const { reason, outcome, httpStatus: status } = classification
  const occurrence = instance === undefined ? {} : { instance }
  if (!expose) return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, ...occurrence }
  const pool = reason === 'pool-exhausted' ? poolIn(error) : undefined
  const title = reasonOf(reason).meaning.replace(/^./, first => first.toUpperCase())
  return {
    type: typeBase + reason,
    title,
    status,
    ...occurrence,
    reason,
    outcome,
    ...(pool ? { pool } : {}),
  }
}

function checked(given: Problem, cause: unknown): Problem {
  const { type = 'about:blank', title, status, ...rest } = given
  if (!Number.isInteger(status) || status < 400 || status > 599)
    throw Object.assign(usage(`map: status ${Number(status)} is not one from 400 to 599`), { cause })
  const body = { type, title: title ?? STATUS_CODES[status] ?? 'Error', status, ...rest }
  try {
    JSON.stringify(body)
  } catch {
    throw Object.assign(usage('map: what it gave cannot be written as JSON'), { cause })
  }
  return body
}

/** As a server of ours may count: what was refused at once heals sooner than what took its time. */
const SECONDS = { soon: 1, slowly: 5, never: 0 } as const

function retryAfter(classification: Classification, { retryAfterSeconds: given }: ProblemOptions): number {
  if (classification.outcome === 'unknown') return 0
  const own = typeof given === 'function' ? given(classification) : given
  checkSeconds('retryAfterSeconds', own)
  return own ?? SECONDS[classification.heals]
}

function checkSeconds(option: string, value: unknown): void {
  if (value === undefined || (Number.isInteger(value) && (value as number) >= 0)) return
  throw usage(
    `${option}: ${typeof value === 'number' ? value : `a ${typeof value}`} is not a whole number of seconds`,
  )
}

/** The state that an acquire time-out carries; nothing of it but numbers. */
function poolIn(error: unknown): PoolNumbers | undefined {
  for (const one of chain(error)) {
    const state = Look.at(one).inner('pool')
    const [max, used, idle, waiting] = ['max', 'used', 'idle', 'waiting'].map(key => state?.number(key))
    if (max !== undefined && used !== undefined && idle !== undefined && waiting !== undefined)
      return { max, used, idle, waiting }
  }
  return undefined
}
