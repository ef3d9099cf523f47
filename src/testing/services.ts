import { nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { serviceOfVariable } from '../gate/discover.js'
import { SERVICES } from '../standin/capabilities.js'
import { targetVariable } from '../standin/handover.js'
import type { UnsetVariable, Wanted } from '../targets/wanted.js'

/** A service that COMMAND needs. */
export interface Asked {
  /** For the reader, and for HOLDFAST_TARGET_NAME. */
  readonly name: string
  readonly service: string
  /** Where it is configured. */
  readonly wanted: Wanted | undefined
  /** The variable that takes its address where no variable names it. */
  readonly variable?: string
}

/**
 * What is configured, also by variables that are `unset`, and each of `services` (`NAME` or `VARIABLE=NAME`) that is not
 * among it. Without any, one PostgreSQL.
 *
 * @throws HoldfastError (usage) for a service that has no stand-in, and for names that one variable would have to tell of.
 */
export function askedServices(
  wanted: readonly Wanted[],
  services: readonly string[],
  unset: readonly UnsetVariable[] = [],
): Asked[] {
  const asked: Asked[] = wanted.map(one => ({
    name: one.target.name,
    service: one.target.service,
    wanted: one,
  }))
  for (const one of unset) {
    const { variable, target } = one
    const service = serviceOf(variable, services)
    if (!service) throw one
    asked.push({ name: target ?? free(service, asked), service, wanted: undefined, variable })
  }
  for (const text of services.flatMap(list => list.split(','))) {
    const { variable, service } = parse(text.trim())
    const configured = asked.some(
      one =>
        one.service === service &&
        (variable === undefined ||
          one.variable === variable ||
          one.wanted?.sources.some(it => it.kind === 'url' && it.variable === variable)),
    )
    if (configured || (variable === undefined && asked.some(one => one.service === service))) continue
    asked.push({ name: free(service, asked), service, wanted: undefined, ...(variable ? { variable } : {}) })
  }
  refuseTwins(asked)
  return asked.length > 0 ? asked : [{ name: 'postgres', service: 'postgres', wanted: undefined }]
}

/** Environments know fewer names: `a-b` and `a.b` are one variable, and `a-reason` and `a-with` are where more of `a` is told. */
function refuseTwins(asked: readonly Asked[]): void {
  const takers = new Map<string, string>()
  for (const { name } of asked) {
    for (const variable of ['', '_REASON', '_WITH'].map(end => targetVariable(name) + end)) {
      const other = takers.get(variable)
      if (other !== undefined)
        throw usage(`the targets "${other}" and "${name}" would share the variable ${variable}; rename one`)
      takers.set(variable, name)
    }
  }
}

/** By what `services` says of the variable, else by its name. */
function serviceOf(variable: string, services: readonly string[]): string | undefined {
  const said = services.flatMap(list => list.split(',')).map(text => parse(text.trim()))
  const named = said.find(one => one.variable === variable)?.service ?? serviceOfVariable(variable)
  return named && SERVICES.includes(named) ? named : undefined
}

function parse(text: string): { variable?: string; service: string } {
  const [, variable, service = ''] = /^(?:([A-Za-z_]\w*)=)?(.*)$/s.exec(text) ?? []
  if (SERVICES.includes(service)) return variable ? { variable, service } : { service }
  const near = nearest(service, SERVICES)
  const hint = near ? `did you mean ${near}?` : `known: ${SERVICES.join(', ')}`
  throw usage(`--service: "${redactAddress(service)}" is not a service with a stand-in; ${hint}`)
}

function free(service: string, asked: readonly Asked[]): string {
  let name = service
  for (let n = 2; asked.some(one => one.name === name); n++) name = `${service}-${n}`
  return name
}
