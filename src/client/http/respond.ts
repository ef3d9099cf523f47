import { checkType } from './options.js'
import { checkErrorOptions, type ProblemAnswer, type ProblemOptions, problemOf } from './problem.js'

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

/** @throws HoldfastError (usage) that names the option. */
export function responder<Request>(options: ErrorOptions<Request>, log: Log<Request>): Respond<Request> {
  checkErrorOptions('holdfastErrors', options, ['onError'])
  checkType('holdfastErrors: onError', options.onError, 'function')
  checkType('holdfastErrors: instance', options.instance, 'function')
  const { instance, onError, ...rest } = options
  return (error, request) => {
    const occurrence = instance?.(request)
    const answer = problemOf(error, occurrence === undefined ? rest : { ...rest, instance: occurrence })
    if (answer && onError) onError(error, answer, request)
    else if (answer && answer.status >= 500) log(error, answer, request)
    return answer
  }
}

/** For people, in a line before the error: it is the operator's log, where frameworks print errors whole. */
export function toConsole(error: unknown, { status, classification }: ProblemAnswer): void {
  const { reason, outcome, advice } = classification
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
  console.error(`holdfast: ${status} ${reason}, outcome ${outcome}: ${advice}\n${told}`)
}
