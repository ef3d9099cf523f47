/**
 * The servers that every test file may use and none may stop, reconfigure or exhaust. What a test writes
 * there goes into a database, or below a key prefix, of its own.
 */
import { inject } from 'vitest'
import { psql } from './psql.js'
import { run } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface SharedServers {
  postgres: {
    host: string
    port: number
    socketDir: string
    pid: number
    user: string
    password: string
    database: string
  }
  redis: { host: string; port: number; pid: number }
}

/** The shared Postgres (SCRAM, no TLS) with the role and database `app`. */
export function sharedPostgres() {
  const server = inject('servers').postgres
  return {
    ...server,
    url: (overrides?: UrlParts) => buildUrl({ scheme: 'postgres', ...server, ...overrides }),
    sql: (text: string, database = 'app') => psql(text, database, server),
  }
}

/** The shared Redis, without a password. */
export function sharedRedis() {
  const server = inject('servers').redis
  return {
    ...server,
    url: (overrides?: UrlParts) => buildUrl({ scheme: 'redis', ...server, ...overrides }),
    cli: async (...args: string[]) => {
      const result = await run('redis-cli', ['-h', server.host, '-p', String(server.port), ...args])
      return (result.stdout + result.stderr).trim()
    },
  }
}
