import { parseTarget, type Target } from '../core/target.js'
import { discover, identity, USUAL_VARIABLES } from '../gate/discover.js'
import type { Source } from '../gate/variables.js'
import { SCHEMES } from '../services/registry.js'
import type { Handover } from '../standin/handover.js'
import type { Settled } from '../standin/settle.js'
import { defaultsOf } from '../targets/resolve.js'
import type { Asked } from './services.js'

/** What COMMAND's environment gets for each service. A variable that names another of `all` targets is that one's. */
export async function handoversOf(
  served: readonly (Settled & Asked)[],
  env: NodeJS.ProcessEnv,
  all: readonly Asked[] = served,
): Promise<Handover[]> {
  const found = discover(env, { schemes: SCHEMES, defaults: await defaultsOf(env) })
  const taken = new Set(all.flatMap(ownVariables))
  return served.flatMap(({ name, service, wanted, variable, choice }): Handover[] => {
    if (choice.decision === 'fail') return []
    const twin = wanted && found.find(one => identity(one.target) === identity(wanted.target))
    const sources = merged(wanted?.sources ?? [], twin?.sources ?? [])
    const free = sources.length > 0 ? new Set<string>() : taken
    const fallback = variable ?? fallbackOf(service, name, free, env)
    if (sources.length === 0 && fallback) taken.add(fallback)
    const base = { name, sources, fallback, scheme: service }
    if (choice.decision === 'real') {
      // What the environment names is right already; an argument's address is handed over.
      const url = sources.length === 0 && wanted ? { url: wanted.target.given.reveal() } : {}
      return [{ ...base, decision: 'real', ...url }]
    }
    const reason = choice.message
    if (choice.decision === 'skip') return [{ ...base, decision: 'skip', reason }]
    const { serverless, url } = choice.standIn
    if (serverless) return [{ ...base, decision: 'stand-in', reason, with: choice.with, url }]
    const target = parseTarget(url, { schemes: SCHEMES })
    return [{ ...base, decision: 'stand-in', reason, with: choice.with, address: keywordsOf(target) }]
  })
}

const ownVariables = ({ wanted, variable }: Asked): readonly string[] => [
  ...(variable ? [variable] : []),
  ...(wanted?.sources ?? []).flatMap(source => (source.kind === 'url' ? [source.variable] : [])),
]

function merged(one: readonly Source[], other: readonly Source[]): Source[] {
  const key = (source: Source) => JSON.stringify(source)
  return [...new Map([...one, ...other].map(source => [key(source), source])).values()]
}

/** The service's usual variable; for a further target of it one by its name, which must be free. */
function fallbackOf(
  service: string,
  name: string,
  taken: ReadonlySet<string>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  const usual = USUAL_VARIABLES[service]
  if (!usual || !taken.has(usual)) return usual
  const own = `${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_URL`
  return env[own] === undefined ? own : undefined
}

/** The address as libpq's keywords, with the password. */
export function keywordsOf({ service, hosts, user, password, database, tls }: Target): Map<string, string> {
  const [host] = hosts
  const socket = host && 'path' in host ? host.path.replace(/\/\.s\.PGSQL\.\d+$/, '') : undefined
  const pairs = [
    ['host', host && 'host' in host ? host.host : socket],
    ['port', host && 'port' in host ? String(host.port) : undefined],
    ['user', user],
    ['password', password?.reveal()],
    ['dbname', database],
    ['sslmode', service === 'postgres' && tls.mode !== 'prefer' ? tls.mode : undefined],
  ]
  return new Map(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}
