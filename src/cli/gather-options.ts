import { HoldfastError, nearest } from '../core/errors.js'
import type { Env } from '../gate/variables.js'
import type { Problem } from '../start/subject.js'
import type { Verb } from './call.js'
import { parseCall } from './parse.js'
import { COMMON } from './spec.js'

/** What is read besides options: by stand-ins, by the watchdog, and what `holdfast test` hands to COMMAND. */
const OTHERS =
  /^HOLDFAST_(PREFLIGHT|TARGET_\w+|(POSTGRES|MARIADB|REDIS|CLICKHOUSE)_BIN|STANDIN|REAPER|RUN|INSTALL|TEST_\w+)$/

const variableOf = (option: string): string => `HOLDFAST_${option.toUpperCase().replaceAll('-', '_')}`

/** The variables that stand for options: those whose value no verb takes, and those that no verb has. */
export function wrongOptions(env: Env, all: readonly Verb[]): Problem[] {
  const verbs = new Map<string, Verb[]>()
  const flags = new Map<string, string>()
  for (const verb of all) {
    for (const [option, { flagOnly }] of Object.entries({ ...verb.options, ...COMMON })) {
      if (option === 'help') continue
      const variable = variableOf(option)
      if (flagOnly) flags.set(variable, option)
      if (flagOnly) continue
      verbs.set(variable, [...(verbs.get(variable) ?? []), verb])
    }
  }
  return Object.entries(env).flatMap(([name, value]): Problem[] => {
    if (!name.startsWith('HOLDFAST_') || !value || OTHERS.test(name)) return []
    const where = `env:${name}`
    const takers = verbs.get(name)
    const flag = takers ? undefined : flags.get(name)
    if (flag) {
      const message = `${name} does nothing: --${flag} counts on the command line alone`
      return [{ id: 'option-unknown', level: 'warning', message, where }]
    }
    if (!takers) {
      const near = nearest(name, [...verbs.keys()], 4)
      const message = `${name} is no variable of holdfast${near ? `; did you mean ${near}?` : ''}`
      return [{ id: 'option-unknown', level: 'warning', message, where }]
    }
    const refusals = takers.map(verb => refusalOf(verb, name, value))
    const [message] = refusals
    return refusals.every(Boolean) && message
      ? [{ id: 'option-invalid', level: 'error', message, where }]
      : []
  })
}

/** Why a verb would not take it, in the words in which it would say so. */
function refusalOf(verb: Verb, name: string, value: string): string | undefined {
  try {
    parseCall(verb, verb.command === 'required' ? ['--', 'true'] : [], { [name]: value })
    return undefined
  } catch (error) {
    if (HoldfastError.is(error)) return error.message
    throw error
  }
}
