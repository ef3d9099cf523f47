import { usage } from '../../core/errors.js'
import { plain } from '../../core/redact.js'
import { checkType } from './options.js'
import { checkErrorOptions, type ProblemAnswer, type ProblemOptions, problemOf } from './problem.js'
import { stacksOf, warn } from './report.js'

/** What `holdfastErrors` takes in every framework. */
export interface ErrorOptions<Request> extends Omit<ProblemOptions, 'instance'> {
  /** A URI for this occurrence, of the request's id, say. Default: none. */
  readonly instance?: (request: Request) => string | undefined
  /** Told of every error that is answered here, in place of the log. Default: what is answered with 500 or more goes where the framework logs. */
  readonly onError?: (error: unknown, answer: ProblemAnswer, request: Request) => void
}

export type Log<Request> = (error: unknown, answer: ProblemAnswer, request: Request) => void

/** The answer for a request's error, told to `onError` or `log`; `undefined` leaves it to the framework. */
export type Respond<Request> = (error: unknown, request: Request) => ProblemAnswer | undefined

/**
 * What the options throw never takes the place of the error: it becomes a warning, and the answer is the one without them.
 * @throws HoldfastError (usage) that names the option.
 */
export function responder<Request>(options: ErrorOptions<Request>, log: Log<Request>): Respond<Request> {
  checkErrorOptions('holdfastErrors', options, ['onError'])
  checkType('holdfastErrors: onError', options.onError, 'function')
  checkType('holdfastErrors: instance', options.instance, 'function')
  const { instance, onError, ...rest } = options
  const { map: _, retryAfterSeconds: __, ...tabled } = rest
  return (error, request) => {
    const occurrence = attempt('instance', () => occurrenceOf(instance?.(request)))
    const about = occurrence === undefined ? {} : { instance: occurrence }
    const answer =
      attempt('map or retryAfterSeconds', () => problemOf(error, { ...rest, ...about })) ??
      problemOf(error, { ...tabled, ...about })
    if (answer && onError) tell(() => onError(error, answer, request))
    else if (answer && answer.status >= 500) log(error, answer, request)
    return answer
  }
}

function occurrenceOf(given: unknown): string | undefined {
  if (given === undefined || typeof given === 'string') return given
  throw usage(`instance: a ${typeof given} is not a URI`)
}

function attempt<T>(option: string, work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    warn(option, error)
    return undefined
  }
}

/** A function that is not waited for may be an asynchronous one all the same. */
function tell(work: () => unknown): void {
  const told = attempt('onError', work)
  if (told instanceof Promise) told.catch(error => warn('onError', error))
}

/** For people, in a line before the error and its causes: it is the operator's log. */
export function toConsole(
  error: unknown,
  { status, classification }: ProblemAnswer,
  request: { readonly method?: string | undefined; readonly path: string },
): void {
  const { reason, outcome, advice } = classification
  // A query may hold secrets.
  const path = request.path.replace(/[?#].*$/s, '')
  const asked = plain(`${request.method ?? ''} ${path}`)
  console.error(`holdfast: ${asked}: ${status} ${reason}, outcome ${outcome}: ${advice}\n${stacksOf(error)}`)
}
