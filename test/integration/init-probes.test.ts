import { spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { parseCompose } from '../../src/model/compose.js'
import { serverOf } from '../../src/model/images.js'
import { probeOf } from '../../src/start/init/probes.js'
import { startPostgres } from '../support/postgres.js'

/** What Compose hands to the container's shell. */
function postgresProbe(): string {
  const yaml =
    'services: { db: { image: "postgres:15", environment: { POSTGRES_USER: u, POSTGRES_PASSWORD: p, POSTGRES_DB: d } } }'
  const service = parseCompose(yaml).services.get('db')
  const server = service && serverOf(service)
  const probe = parse(JSON.stringify(server && probeOf(server))) as string[]
  return probe[1]?.replaceAll('$$', '$') ?? ''
}

function ask(
  server: { port: number; user: string; password: string; database: string; socketDir: string },
  password = server.password,
) {
  const env = {
    PATH: `/usr/lib/postgresql/15/bin:${process.env.PATH}`,
    PGPORT: String(server.port),
    POSTGRES_USER: server.user,
    POSTGRES_PASSWORD: password,
    POSTGRES_DB: server.database,
  }
  const run = (line: string) => spawnSync('sh', ['-c', line], { env, stdio: 'ignore' }).status
  return { probe: run(postgresProbe()), socket: run(`pg_isready -h ${server.socketDir}`) }
}

test('the health check for Postgres is met by a server that serves over TCP, with the login of its variables', async () => {
  const server = await startPostgres({ auth: 'scram-sha-256' })
  onTestFinished(() => server.remove())
  expect(ask(server)).toEqual({ probe: 0, socket: 0 })
  expect(ask(server, 'wrong').probe).toBe(2)
})

test('it is not met by a server on the Unix socket alone, of which pg_isready says that it is ready', async () => {
  const server = await startPostgres({ socketOnly: true })
  onTestFinished(() => server.remove())
  expect(ask(server)).toEqual({ probe: 2, socket: 0 })
})
