import { type HoldfastError, usage } from '../core/errors.js'
import { entered } from './environment.js'
import type { Provided } from './provided.js'
import { refusalIn } from './refused.js'

export interface RequireOptions {
  /** Capabilities that a stand-in must have: `concurrency`, `redis.streams` (docs/test.md lists them). */
  readonly needs?: readonly string[]
}

/** A service that a suite requires, and what it got. */
export interface RequiredService {
  /** The target's name. */
  readonly name: string
  readonly service: string
  readonly decision: 'real' | 'stand-in' | 'skip'
  /** The rung of a stand-in: `system-postgres`. */
  readonly with?: string
  /** Why it is not the real one: an entry of the table of reasons. */
  readonly reason?: string
  /** A sentence for people, without a secret. */
  readonly message: string
  /**
   * Its address with the password. On skip one that leads nowhere (`postgres://skipped.invalid/`), so that what a file
   * builds from it while it is loaded does not throw.
   */
  readonly url: string
  /** The variables that lead to it, as the tests' environment has them. */
  readonly env: Environment
}

export type Environment = Readonly<Record<string, string | undefined>>

/** What `requireServices` returns: each service by the name that it was asked for by, and their environment. */
export type RequiredServices<Name extends string> = {
  readonly [key in Name]: RequiredService
} & {
  /** The process environment as the tests have it; of all the services together. */
  readonly env: Environment
}

/** The arguments of `requireServices`: names of services or targets, and options last. */
export type RequireArguments = readonly string[] | readonly [...string[], RequireOptions]

/** The names among them. */
export type NamesIn<Args extends RequireArguments> = Extract<Args[number], string>

/** @throws HoldfastError (usage) for arguments that are no names. */
export function askedOf<Args extends RequireArguments>(
  args: Args,
): { names: NamesIn<Args>[]; needs: readonly string[] } {
  const last = args.at(-1)
  const options = typeof last === 'object' && last !== null ? (last as RequireOptions) : undefined
  const names = (options ? args.slice(0, -1) : [...args]) as NamesIn<Args>[]
  const odd = names.find(name => typeof name !== 'string' || name === '')
  if (names.length === 0 || odd !== undefined)
    throw usage(
      `requireServices: ${names.length === 0 ? 'no service is named' : `${JSON.stringify(odd)} is no name`}; write requireServices('postgres')`,
    )
  if ((names as string[]).includes('env'))
    throw usage(
      'requireServices: a target called env cannot be required: services.env is the environment; give it another name in the configuration',
    )
  const unknown = Object.keys(options ?? {}).find(key => key !== 'needs')
  if (unknown) throw usage(`requireServices: there is no option "${unknown}"; known: needs`)
  return { names, needs: options?.needs ?? [] }
}

/** Says where `requireServices` belongs. `instead`: where it stood. */
export const misplaced = (instead = 'not into a test or a hook') =>
  usage(`requireServices belongs at the top of a test file or of a describe block, ${instead}`)

/** What becomes of the tests that required something. */
export type Outcome =
  | { readonly run: true }
  /** `skip`: why, in one line. */
  | { readonly run: false; readonly skip: string }
  | { readonly run: false; readonly fail: HoldfastError }

/** All must be there; what is broken comes before what is absent. */
export function outcomeOf(provided: readonly Provided[]): Outcome {
  const fail = refusalIn(provided)
  if (fail) return { run: false, fail }
  const missing = provided.find(one => one.decision === 'skip')
  return missing ? { run: false, skip: oneLine(`${missing.name}: ${missing.message}`) } : { run: true }
}

const oneLine = (text: string) => text.replace(/\s*[\r\n]+\s*/g, ' ')

/** What the tests are given, by the names that were asked for, in their order. */
export function servicesOf<Name extends string>(
  names: readonly Name[],
  provided: readonly Provided[],
): RequiredServices<Name> {
  const env = Object.assign({}, process.env, ...provided.map(one => one.env))
  const each = names.map((name, i) => [name, serviceOf(provided[i] as Provided)])
  const services = Object.defineProperty(Object.fromEntries(each), 'env', {
    enumerable: true,
    // A test that has a database of its own finds it here, too.
    get: () => Object.freeze({ ...env, ...entered() }),
  })
  return Object.freeze(services)
}

export function serviceOf({ exitStatus: _, decision, url, ...rest }: Provided): RequiredService {
  const given = url ?? `${rest.service}://skipped.invalid/`
  // A suite that fails runs nothing that could see it.
  return Object.freeze({ ...rest, decision: decision === 'fail' ? 'skip' : decision, url: given })
}

/** What the environment of a suite becomes with what it was provided with. */
export const environmentOf = (provided: readonly Provided[]): Environment =>
  Object.assign({}, ...provided.map(one => one.env))

const told = new Set<string>()

/** Says once a process which stand-ins serve its tests: a stand-in is never silent. */
export function tellStandIns(provided: readonly Provided[]): void {
  for (const { name, decision, message, url = '' } of provided) {
    if (decision !== 'stand-in' || told.has(`${name} ${url}`)) continue
    told.add(`${name} ${url}`)
    process.stderr.write(`holdfast: ${name}: stand-in: ${oneLine(message)}\n`)
  }
}
