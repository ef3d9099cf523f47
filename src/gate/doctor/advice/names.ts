import { nearest } from '../../../core/errors.js'
import type { ComposeService } from '../around.js'
import { changed, placeOf } from '../edits.js'
import type { Adviser, Case } from './case.js'

/** What images of a service are called, and what people call the service in a Compose file. */
const USUAL: Readonly<Record<string, readonly [image: RegExp, ...names: string[]]>> = {
  postgres: [/postg|timescale|pgvector/, 'db', 'postgres', 'postgresql', 'database'],
  mysql: [/mysql|mariadb|percona/, 'db', 'mysql', 'mariadb', 'database'],
  redis: [/redis|valkey/, 'redis', 'cache', 'valkey'],
  clickhouse: [/clickhouse/, 'clickhouse'],
  mongodb: [/mongo/, 'mongo', 'mongodb'],
  rabbitmq: [/rabbit/, 'rabbitmq', 'rabbit'],
  nats: [/nats/, 'nats'],
  kafka: [/kafka|redpanda/, 'kafka', 'redpanda'],
  mqtt: [/mosquitto|emqx|mqtt/, 'mqtt', 'mosquitto'],
  memcached: [/memcached/, 'memcached'],
}

/** The one Compose service whose image is of that service. */
export function composeServiceFor(service: string, all: readonly ComposeService[]): string | undefined {
  const [image] = USUAL[service] ?? []
  const fitting = image ? all.filter(one => image.test(one.image ?? '')) : []
  return fitting.length === 1 ? fitting[0]?.name : undefined
}

/** A name on this network under which such a service most likely runs. */
export async function likelyName({ subject, around }: Case): Promise<string | undefined> {
  const { service } = subject.target
  const [, ...names] = USUAL[service] ?? []
  return (
    composeServiceFor(service, await around.composeServices()) ??
    (await around.resolving(names, subject.signal))
  )
}

/** A name that does not resolve: the nearest one that is known here. */
export const nameUnknown: Adviser = async of => {
  const { subject, around, verdict } = of
  const host = placeOf(subject.target)?.host
  if (host === undefined) return undefined
  const compose = await around.composeServices()
  const names = [...new Set([...compose.flatMap(one => [one.name, ...one.aliases]), ...around.hostNames()])]
  // One letter in three: two letters beside "db" is any name of two letters.
  const near = nearest(
    host,
    names.filter(name => name !== host),
    Math.max(1, Math.floor(host.length / 3)),
  )
  const known = near ?? (await likelyName(of))
  const message = `the name "${host}" does not resolve (${verdict.finding.code ?? verdict.finding.message})`
  if (known && known !== host)
    return {
      message: `${message}; ${near ? 'the nearest known name is' : 'known here is'} "${known}"`,
      advice: `Use the name "${known}".`,
      fix: changed(subject, 'host', known),
    }
  return {
    message,
    advice:
      compose.length > 0
        ? `The Compose file has ${compose.map(({ name }) => name).join(', ')}; names resolve on the same network only, while their containers run.`
        : 'Check the name; names of containers resolve on the same network only, while they run.',
    fix: compose.length > 0 ? 'docker compose ps --all' : `getent hosts ${host}`,
  }
}
