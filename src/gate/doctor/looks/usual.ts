import { composeServices } from './compose.js'

/** How the services of Compose files are usually called. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  postgres: ['db', 'postgres', 'postgresql', 'database', 'pg', 'pgbouncer'],
  mysql: ['db', 'mysql', 'mariadb', 'database'],
  redis: ['redis', 'valkey', 'cache'],
  clickhouse: ['clickhouse', 'clickhouse-server'],
  mongodb: ['mongo', 'mongodb', 'db'],
  rabbitmq: ['rabbitmq', 'rabbit', 'broker'],
  nats: ['nats'],
  kafka: ['kafka', 'broker'],
  mqtt: ['mosquitto', 'mqtt', 'broker'],
  memcached: ['memcached', 'cache'],
}

/** So many services of a Compose file are tried: each is a question to the resolver. */
const MOST = 16

/** Names by which a container reaches the machine that it runs on. */
export const HOST_NAMES = ['host.docker.internal', 'host.containers.internal']

/** The names that a service may have here: those of the tree's Compose file first, then the usual ones. */
export async function usualNames(service: string, folder: string): Promise<string[]> {
  const compose = await composeServices(folder)
  return [...new Set([...(compose?.names ?? []).slice(0, MOST), ...(NAMES[service] ?? [])])]
}

/** The working directory, or the root where that is gone. */
export function here(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}
