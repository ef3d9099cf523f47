import { existsSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import type { Target } from '../../core/target.js'
import { systemClock } from '../../io/clock.js'
import type { Endpoint } from '../../io/dial.js'
import { resolveHost } from '../../io/resolve.js'
import type { Env } from '../variables.js'

/** A service of a Compose file. */
export interface ComposeService {
  readonly name: string
  readonly image?: string
  /** Other names that it answers to: container_name, hostname, aliases of its networks. */
  readonly aliases: readonly string[]
}

/** What advice asks of the machine. Nothing here logs in anywhere. */
export interface Around {
  inContainer(): boolean
  ownAddresses(): readonly string[]
  /** The names in the hosts file. */
  hostNames(): readonly string[]
  /** The services of the Compose file in the working directory; none where it cannot be read. */
  composeServices(): Promise<readonly ComposeService[]>
  /** The first of the names that resolves. */
  resolving(names: readonly string[], signal: AbortSignal): Promise<string | undefined>
  /** Who answers there, by its first bytes: `PostgreSQL`, `Redis`; undefined for nobody, or nobody known. */
  speaks(endpoint: Endpoint, signal: AbortSignal): Promise<string | undefined>
}

/** How long a name is looked for, in milliseconds. */
const RESOLVE_MS = 500

/** Where Docker, Podman and Kubernetes leave their marks. */
const MARKS = ['/.dockerenv', '/run/.containerenv', '/var/run/secrets/kubernetes.io']

export const aroundHere = (target: Target, env: Env, folder?: string): Around => ({
  inContainer: () => Boolean(env.container || env.KUBERNETES_SERVICE_HOST) || MARKS.some(existsSync),
  ownAddresses: () =>
    Object.values(networkInterfaces()).flatMap(all => (all ?? []).map(({ address }) => address)),
  hostNames: () => hostNamesOf(textOf('/etc/hosts') ?? ''),
  composeServices: () => composeServices(folder ?? workingFolder()),
  async resolving(names, signal) {
    const limit = systemClock.deadline(RESOLVE_MS, signal)
    const found = await Promise.all(
      names.map(name =>
        resolveHost(name, limit.signal).then(
          () => name,
          () => undefined,
        ),
      ),
    )
    limit.clear()
    return found.find(name => name !== undefined)
  },
  async speaks(endpoint, signal) {
    const { whoAnswers } = await import('../identify.js')
    return (await whoAnswers(target, endpoint, signal, { tls: false }))?.what
  },
})

/** Throws where the working directory has been removed. */
function workingFolder(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Names of this machine for itself and for groups of machines. */
const OWN = /^(localhost|ip6-|broadcasthost)|^localhost\b/

/** Source: hosts(5). */
export const hostNamesOf = (text: string): string[] =>
  text
    .split('\n')
    .flatMap(line => line.replace(/#.*/, '').trim().split(/\s+/).slice(1))
    .filter(name => name && !OWN.test(name))

/** In the order in which Compose looks for them. */
const COMPOSE = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

async function composeServices(folder: string | undefined): Promise<ComposeService[]> {
  if (!folder) return []
  const text = COMPOSE.map(name => textOf(join(folder, name))).find(found => found !== undefined)
  if (text === undefined) return []
  const { parse } = await import('yaml')
  try {
    return servicesOf(parse(text))
  } catch {
    // Whoever runs Compose hears of it there.
    return []
  }
}

type Mapping = Readonly<Record<string, unknown>>

const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The services of a Compose file, parsed. What has not the expected shape is passed over. */
export function servicesOf(file: unknown): ComposeService[] {
  if (!isMapping(file) || !isMapping(file.services)) return []
  return Object.entries(file.services).map(([name, service]) => {
    const { image, container_name, hostname, networks } = isMapping(service) ? service : ({} as Mapping)
    const nets = isMapping(networks) ? Object.values(networks).filter(isMapping) : []
    const aliases = [container_name, hostname, ...nets.flatMap(({ aliases }) => aliases)].flat()
    return {
      name,
      ...(typeof image === 'string' ? { image } : {}),
      aliases: aliases.filter(alias => typeof alias === 'string'),
    }
  })
}
