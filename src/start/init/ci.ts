import { imageOf, type Kind, serverOf } from '../../model/images.js'
import { interpolate } from '../../model/interpolate.js'
import type { Tree } from '../../model/render.js'
import { type Need, wireOf } from './needs.js'
import { type CiNames, type CiService, ciProbeOf, ciServiceOf, healthOptions } from './probes.js'
import { type Project, serversOf } from './project.js'

/** What the tests' job needs. */
export interface Ci {
  readonly services: readonly {
    readonly name: string
    readonly image: string
    readonly tree: Tree
    readonly health?: string | undefined
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
    const service = ciServiceOf(need.kind, namesOf(project, need))
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
  const services = [...kinds.values()].map(({ service, name, image }) => {
    const health = healthOf(image, Object.entries(service.env))
    return {
      name,
      image,
      tree: {
        image,
        ...(Object.keys(service.env).length > 0 ? { env: service.env } : {}),
        ports: [`${service.port}:${service.port}`],
        ...(health ? { options: healthOptions(health) } : {}),
      },
      health,
    }
  })
  const env: Ci['env'] = (host, written) =>
    needs.flatMap(need => {
      const found = kinds.get(wireOf(need.kind))
      if (!found) return []
      const { service, name, image } = found
      const login = written?.(name, image) ?? { name, ...service.login }
      // On the runner the port is the published one, beside the service its own.
      const port = (host && login.port) || String(service.port)
      const database = own(project, need) ?? login.database
      const parts = {
        ...login,
        ...(database === undefined ? {} : { database }),
        host: host ?? login.name,
        port,
      }
      return variablesOf(need, service.scheme, parts)
    })
  return { services, env, notes }
}

/** What asks a service container with this image and environment whether it serves. */
export function healthOf(
  image: string,
  env: Iterable<readonly [name: string, value: string]>,
): string | undefined {
  const text = (raw: string) => ({ raw, value: raw, at: { from: 0, to: 0 }, missing: [], required: [] })
  const variables = [...env].map(
    ([name, raw]) => [name, { name, at: { from: 0, to: 0 }, value: text(raw) }] as const,
  )
  const server = serverOf({ image: text(image), environment: new Map(variables) })
  return server && ciProbeOf(server)
}

/** Plain words that the Compose file itself gives: what comes from elsewhere may be nobody's business. */
function namesOf({ compose, tree }: Project, { service }: Need): CiNames {
  const written = service === undefined ? undefined : compose?.model.services.get(service)
  const server = compose && service !== undefined ? serversOf(tree, compose.model).get(service) : undefined
  const name = (variable: string | undefined) => {
    const value = interpolate(written?.environment.get(variable ?? '')?.value?.raw ?? '', {}).value
    return /^[A-Za-z_][\w-]*$/.test(value) ? value : undefined
  }
  return { user: name(server?.user?.variable), database: name(server?.database?.variable) }
}

/** Those whose databases are there without being made. */
const NUMBERED: readonly Kind[] = ['redis', 'valkey', 'mongodb']

/** The database of the project's own address. */
function own({ variables }: Project, { kind, by }: Need): string | undefined {
  const value = 'url' in by && NUMBERED.includes(kind) ? variables.get(by.url) : undefined
  return /^[a-z0-9+.-]+:\/\/[^/?#]*\/([\w-]+)(?:[?#]|$)/i.exec(value ?? '')?.[1]
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
