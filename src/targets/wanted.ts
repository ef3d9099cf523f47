import type { TargetConfig } from '../config/config.js'
import { HoldfastError, usage } from '../core/errors.js'
import type { Expectation } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Depth } from '../gate/options.js'
import type { Env, Source } from '../gate/variables.js'

/** A target with what the configuration expects of it. */
export interface Wanted {
  readonly target: Target
  readonly until?: Depth
  readonly queries?: readonly string[]
  readonly expect?: Expectation
  readonly pool?: TargetConfig['pool']
  /** The environment's variables that name it. */
  readonly sources: readonly Source[]
}

export interface Entry extends Wanted {
  readonly named: boolean
}

/** The targets of a configuration, each read when it is asked for. */
export type Configured = ReadonlyMap<string, () => Entry>

export interface Parser {
  (text: string, source: string, name?: string): Target
  readonly defaults: ReadonlyMap<string, string>
}

/** A target whose variable holds no address. */
export class UnsetVariable extends HoldfastError {
  constructor(
    readonly variable: string,
    readonly target: string | undefined,
    state: string,
  ) {
    super('usage', `env:${variable}: the variable ${variable} is ${state}`)
  }
}

export function fromAddress(
  address: string,
  source: string,
  name: string | undefined,
  parse: Parser,
  env: Env,
): Wanted {
  const variable = /^env:(.*)$/i.exec(address)?.[1]
  if (variable === undefined) return { target: parse(address, source, name), sources: [] }
  if (!/^[A-Za-z_]\w*$/.test(variable))
    throw usage('env: takes the name of a variable, like env:DATABASE_URL; an address stands alone')
  const text = env[variable]
  if (!text) throw new UnsetVariable(variable, name, text === '' ? 'empty' : 'not set')
  return { target: parse(text, `env:${variable}`, name), sources: [{ kind: 'url', variable }] }
}

/** An expectation that the target's service cannot be asked. */
export const misfit = (name: string, { service }: Target, what: string): HoldfastError =>
  new HoldfastError('config', `targets.${name}: it is a ${service} target, which takes no ${what}`)
