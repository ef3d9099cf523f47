import { nearest, usage } from '../core/errors.js'
import { SERVICES } from '../standin/capabilities.js'
import type { Wanted } from './wanted.js'

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
 * What is configured, and each of `services` (`NAME` or `VARIABLE=NAME`) that is not among it. Without either, one
 * PostgreSQL.
 *
 * @throws HoldfastError (usage) for a service that has no stand-in.
 */
export function askedServices(wanted: readonly Wanted[], services: readonly string[]): Asked[] {
  const asked: Asked[] = wanted.map(one => ({
    name: one.target.name,
    service: one.target.service,
    wanted: one,
  }))
  for (const text of services.flatMap(list => list.split(','))) {
    const { variable, service } = parse(text.trim())
    const configured = asked.some(
      one =>
        one.wanted &&
        one.service === service &&
        (variable === undefined ||
          one.wanted.sources.some(it => it.kind === 'url' && it.variable === variable)),
    )
    if (configured || (variable === undefined && asked.some(one => one.service === service))) continue
    asked.push({ name: free(service, asked), service, wanted: undefined, ...(variable ? { variable } : {}) })
  }
  return asked.length > 0 ? asked : [{ name: 'postgres', service: 'postgres', wanted: undefined }]
}

function parse(text: string): { variable?: string; service: string } {
  const [, variable, service = ''] = /^(?:([A-Za-z_]\w*)=)?(.*)$/s.exec(text) ?? []
  if (SERVICES.includes(service)) return variable ? { variable, service } : { service }
  const near = nearest(service, SERVICES)
  const hint = near ? `did you mean ${near}?` : `known: ${SERVICES.join(', ')}`
  throw usage(`--service: "${service}" is not a service with a stand-in; ${hint}`)
}

function free(service: string, asked: readonly Asked[]): string {
  let name = service
  for (let n = 2; asked.some(one => one.name === name); n++) name = `${service}-${n}`
  return name
}
