import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { freePort } from '../support/root.js'
import { sharedRedis } from '../support/shared.js'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))

/** Without leaving files in its folder. */
const pytest = ['/usr/bin/python3', '-B', '-m', 'pytest', '-p', 'no:cacheprovider', '-rs']

/** How each example's suite is run, and what it says. */
const SUITES = {
  pytest: {
    cwd: join(examples, 'pytest'),
    command: pytest,
    real: /^postgres: real\nredis: real\n[\s\S]* 7 passed in /m,
    standIn: /^postgres: stand-in\nredis: stand-in\n[\s\S]* 6 passed, 1 skipped in /m,
    skip: /^SKIPPED .*: connection-refused: [\s\S]* 7 skipped in /m,
  },
  integresql: {
    cwd: join(examples, 'integresql'),
    command: pytest,
    real: / 5 passed in /,
    standIn: / 5 passed in /,
    skip: /^SKIPPED .*: connection-refused: [\s\S]* 5 skipped in /m,
  },
  shell: {
    cwd: join(examples, 'shell'),
    command: ['./suite.sh'],
    real: /^# postgres: real\n(ok \d - .*\n){3}1\.\.3\n$/,
    standIn: /^# postgres: stand-in\n(ok \d - .*\n){3}1\.\.3\n$/,
    skip: /^1\.\.0 # SKIP connection-refused: .*\n$/,
  },
}

let server: PostgresServer
let down: Record<string, string>

beforeAll(async () => {
  server = await startPostgres()
  await server.sql('ALTER ROLE app CREATEDB')
  const [database, cache] = [await freePort(), await freePort()]
  down = {
    DATABASE_URL: `postgres://app:longpassword@127.0.0.1:${database}/app`,
    REDIS_URL: `redis://127.0.0.1:${cache}`,
  }
})

afterAll(async () => {
  const left = await server.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'holdfast%'")
  await server.remove()
  expect(left.trim()).toBe('0')
})

const up = () => ({ DATABASE_URL: server.url(), REDIS_URL: sharedRedis().url() })

describe.each(Object.entries(SUITES))('the suite in %s', (_, { cwd, command, real, standIn, skip }) => {
  const suite = (env: Record<string, string>, ...options: string[]) =>
    holdfast(['test', ...options, '--', ...command], { cwd, env })

  test('passes on the real servers', async () => {
    const { status, stdout, stderr } = await suite(up())
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(real)
  })

  test('passes on stand-ins where the servers are down', async () => {
    const { status, stdout, stderr } = await suite(down)
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(standIn)
  })

  test('skips with the reason where nothing else is allowed', async () => {
    const { status, stdout, stderr } = await suite({ ...down, CI: 'true' }, '--allow-skip')
    expect(status, stdout + stderr).toBe(0)
    expect(stdout).toMatch(skip)
  })

  test('does not begin with a wrong password, and the advice is told', async () => {
    const DATABASE_URL = server.url({ password: 'not-the-password' })
    const { status, stdout, stderr } = await suite({ ...up(), DATABASE_URL })
    expect([status, stdout]).toEqual([78, ''])
    expect(stderr).toContain('authentication-failed')
    expect(stderr).toContain('password')
  })
})
