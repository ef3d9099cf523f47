import { failure, isTold, type Told } from '../told.js'
import { aborted } from './failures.js'
import type { AcquireOptions, Client } from './types.js'

/** As much of a pool as is needed here. */
export interface Lender {
  connect(options?: AcquireOptions): Promise<Client>
}

/** A client as a function has it for a while. */
export interface Loan {
  /** The client itself in every respect but `query` and `release`. */
  readonly client: Client
  /** Statements whose end nobody has seen. */
  readonly running: number
  /** True while a cursor may be open: it keeps the connection for itself, and no statement gets through. */
  readonly blocked: boolean
  /** What the function must not do, and did; it may have swallowed the error. */
  readonly misuse: Error | undefined
  /** What its statements failed with, except where the server said that they had no effect. */
  readonly failures: Iterable<Told>
  /** From now on every statement is refused. */
  end(): void
}

export interface LoanOptions {
  /** What is lent: `transaction()`. */
  readonly by: string
  readonly signal?: AbortSignal | undefined
  /** Refuses what begins or ends a transaction. */
  readonly inTransaction?: boolean
}

type Callback = (error: Error | undefined, result?: unknown) => void
type Submittable = { submit: unknown; handleError?: unknown }

/** What begins or ends a transaction, where it begins a text; ROLLBACK TO a savepoint does neither. */
const CONTROL =
  /^[\s;]*(begin|start\s+transaction|commit|end|abort|rollback(?!\s+(?:(?:work|transaction)\s+)?to\b)|prepare\s+transaction)\b/i

/** A statement that comes late would run outside of the transaction, or in another one's: it is refused. */
export function guard(client: Client, { by, signal, inTransaction = false }: LoanOptions): Loan {
  let over = false
  let running = 0
  let cursors = false
  let misuse: Error | undefined
  const failures = new Set<Told>()

  const noted = <E>(error: E): E => {
    if (isTold(error) && error.holdfast.outcome !== 'rejected') failures.add(error)
    return error
  }

  const objection = (text: unknown): Error | undefined => {
    if (over) {
      const message = `a statement came after its ${by} was over, and was not sent. Await every statement of the function.`
      return failure('client-misuse', message, { phase: 'statement', sent: false })
    }
    if (signal?.aborted) return noted(aborted(signal, 'statement'))
    const word =
      inTransaction && typeof text === 'string' ? CONTROL.exec(text)?.[1]?.toUpperCase() : undefined
    if (!word) return undefined
    misuse ??= failure(
      'client-misuse',
      `${word} was called inside of ${by}, which begins and ends it itself. ${TO_DO}`,
      {
        phase: 'statement',
        sent: false,
        rejected: true,
      },
    )
    return misuse
  }

  const query = (...args: unknown[]): unknown => {
    const [first, ...rest] = args
    if (isSubmittable(first)) {
      const error = objection((first as { text?: unknown }).text)
      if (error) throw error
      cursors = true
      return client.query(first as never)
    }
    const config = typeof first === 'object' && first !== null ? first : { text: first }
    const error = objection((config as { text?: unknown }).text)
    const callback = [...rest, (config as { callback?: unknown }).callback].find(isFunction)
    const done = () => {
      running--
    }
    if (callback) {
      if (error) return void queueMicrotask(() => callback(error))
      running++
      const counted: Callback = (...answer) => {
        done()
        noted(answer[0])
        callback(...answer)
      }
      const values = isFunction(rest[0]) ? undefined : rest[0]
      return client.query(withSignal(config, signal) as never, values as never, counted as never)
    }
    if (error) return Promise.reject(error)
    running++
    const sent = client.query(
      withSignal(config, signal) as never,
      ...(rest as never[]),
    ) as unknown as Promise<unknown>
    // One promise, and nothing beside it: only so the stack of an error names who awaits it.
    return sent.then(
      value => {
        done()
        return value
      },
      error => {
        done()
        throw noted(error)
      },
    )
  }

  const release = () => {
    const message = `${by} gives the client back itself: do not release it.`
    throw noted(failure('client-misuse', message, { phase: 'statement', sent: false }))
  }

  return {
    client: new Proxy(client, {
      get(target, key) {
        if (key === 'query') return query
        if (key === 'release') return release
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' && key !== 'constructor' ? value.bind(target) : value
      },
      set: (target, key, value) => Reflect.set(target, key, value, target),
    }),
    get running() {
      return running
    },
    get blocked() {
      return cursors && (client as unknown as { readyForQuery?: boolean }).readyForQuery === false
    },
    get misuse() {
      return misuse
    },
    failures,
    end() {
      over = true
    },
  }
}

const TO_DO = 'Return to commit, throw to roll back; a part of it is a SAVEPOINT.'

const isSubmittable = (value: unknown): value is Submittable =>
  typeof value === 'object' && value !== null && typeof (value as Submittable).submit === 'function'

const isFunction = (value: unknown): value is Callback => typeof value === 'function'

/** A statement of a class stays one: its text may be a getter. */
const withSignal = (config: object, signal: AbortSignal | undefined): object =>
  signal && !('signal' in config)
    ? Object.create(config, { signal: { value: signal, enumerable: true } })
    : config
