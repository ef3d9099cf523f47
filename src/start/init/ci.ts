import { imageOf } from '../../model/images.js'
import type { Tree } from '../../model/render.js'
import { type Need, wireOf } from './needs.js'
import { CI_SERVICES, type CiService, healthOptions } from './probes.js'
import type { Project } from './project.js'

/** What the tests' job needs. */
export interface Ci {
  readonly services: readonly {
    readonly name: string
    readonly image: string
    readonly tree: Tree
    readonly health?: string
  }[]
  /**
   * Variables with the addresses, by the host of all services; undefined: each by its own name. `written` is what the
   * workflow has for a service already.
   */
  readonly env: (
    host: string | undefined,
    written?: (service: string, image: string) => Login | undefined,
  ) => [name: string, value: string][]
  readonly notes: readonly string[]
}

/** How a service is reached; what it leaves out is not needed. */
export interface Login {
  readonly name: string
  readonly port?: string
  readonly user?: string
  readonly password?: string
  readonly database?: string
}

/** Service containers for what the project needs, one a kind, with throw-away logins. */
export function ciOf(project: Project, needs: readonly Need[]): Ci {
  const kinds = new Map<string, { need: Need; service: CiService; name: string; image: string }>()
  const notes: string[] = []
  for (const need of needs) {
    const service = CI_SERVICES[need.kind]
    if (kinds.has(wireOf(need.kind))) continue
    if (!service)
      notes.push(
        `workflow: no service is written for ${need.kind}: its image needs a configuration of its own`,
      )
    else
      kinds.set(wireOf(need.kind), {
        need,
        service,
        name: need.service ?? need.kind,
        image: imageFor(project, need, service),
      })
  }
  const services = [...kinds.values()].map(({ service, name, image }) => ({
    name,
    image,
    tree: {
      image,
      ...(Object.keys(service.env).length > 0 ? { env: service.env } : {}),
      ports: [`${service.port}:${service.port}`],
      ...(service.health ? { options: healthOptions(service.health) } : {}),
    },
    ...(service.health ? { health: service.health } : {}),
  }))
  const env: Ci['env'] = (host, written) =>
    needs.flatMap(need => {
      const found = kinds.get(wireOf(need.kind))
      if (!found) return []
      const { service, name, image } = found
      const login = written?.(name, image) ?? { name, ...service.login }
      // On the runner the port is the published one, beside the service its own.
      const port = (host && login.port) || String(service.port)
      return variablesOf(need, service.scheme, { ...login, host: host ?? login.name, port })
    })
  return { services, env, notes }
}

/** The Compose file's image where it names one by itself, so that the tests meet the same version. */
function imageFor({ compose }: Project, { service, kind }: Need, { image }: CiService): string {
  const own = service === undefined ? undefined : compose?.model.services.get(service)?.image
  if (!own || own.raw !== own.value) return image
  const { official, kind: served } = imageOf(own.value)
  return official && served === kind ? own.value : image
}

const FAMILY: Readonly<Record<string, 'host' | 'port' | 'user' | 'password' | 'database'>> = {
  PGHOST: 'host',
  PGPORT: 'port',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGDATABASE: 'database',
  DB_HOST: 'host',
  DB_PORT: 'port',
  DB_USER: 'user',
  DB_USERNAME: 'user',
  DB_PASSWORD: 'password',
  DB_NAME: 'database',
  DB_DATABASE: 'database',
}

function variablesOf(
  { by }: Need,
  scheme: string,
  parts: Login & { host: string; port: string },
): [string, string][] {
  if ('url' in by) {
    const { user, password, host, port, database } = parts
    const login = user ? `${user}:${password ?? ''}@` : ''
    return [[by.url, `${scheme}://${login}${host}:${port}${database ? `/${database}` : ''}`]]
  }
  return by.variables.flatMap((name): [string, string][] => {
    const part = FAMILY[name]
    const value = part && parts[part]
    return value === undefined ? [] : [[name, value]]
  })
}
