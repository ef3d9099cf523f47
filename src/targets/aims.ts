import type { Config } from '../config/config.js'
import { usage } from '../core/errors.js'
import type { Service } from '../core/service.js'
import type { Depth } from '../gate/options.js'
import type { Aim } from '../gate/outcome.js'
import { loadService } from '../services/registry.js'
import { misfit, type Wanted } from './wanted.js'

/** What options ask of every target. */
export interface Question {
  readonly until?: Depth | undefined
  readonly queries?: readonly string[]
  readonly gone?: boolean
}

/** What is asked of each target, as deep as its service goes. */
export async function aimsOf(
  wanted: readonly Wanted[],
  config: Config = {},
  { until: asked, queries = [], gone }: Question = {},
): Promise<Aim[]> {
  const services = await Promise.all(wanted.map(one => loadService(one.target.service)))
  const command = wanted.find(one => one.target.service === 'exec')
  if (gone && command) throw usage(`--gone: "${command.target.name}" is a command; it cannot go away`)
  const able = (ability: Service['abilities'][number]) =>
    services.some(service => service.abilities.includes(ability))
  if (queries.length > 0 && !able('query'))
    throw usage(`--query: none of the targets (${names(services)}) takes SQL`)
  for (const depth of ['write', 'schema'] as const) {
    if (asked === depth && !able(depth))
      throw usage(`--until ${depth}: none of the targets (${names(services)}) has that layer`)
  }
  return wanted.flatMap((one, i) => {
    const service = services[i]
    return service ? [aimOf(one, service, asked ?? one.until ?? config.until ?? 'query', queries)] : []
  })
}

const names = (services: readonly Service[]): string =>
  [...new Set(services.map(service => service.name))].join(', ')

function aimOf(
  { target, queries = [], expect }: Wanted,
  service: Service,
  until: Depth,
  asked: readonly string[],
): Aim {
  const deep = until === 'write' || until === 'schema'
  if (until === 'schema' && service.abilities.includes('schema') && !expect) {
    throw usage(
      `--until schema: nothing says what "${target.name}" should hold; add schema: { tables: […] } to it in holdfast.config`,
    )
  }
  if (queries.length > 0 && !service.abilities.includes('query')) throw misfit(target.name, target, 'query')
  if (expect && !service.abilities.includes('schema')) throw misfit(target.name, target, 'schema')
  const all = service.abilities.includes('query') ? [...queries, ...asked] : []
  return {
    target,
    service,
    probe: {
      until: deep && !service.abilities.includes(until) ? 'query' : until,
      queries: all,
      ...(expect ? { expect } : {}),
    },
  }
}
