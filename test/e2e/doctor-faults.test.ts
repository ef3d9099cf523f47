import pg from 'pg'
import { afterAll, describe, type ExpectStatic, test } from 'vitest'
import { NETNS } from '../support/netns.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { freePort } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'
import { doctor, doctorBeside, doctorInContainer, doctorJson, folderWith, type Said } from './doctor-scene.js'

const ours: { remove(): Promise<void> }[] = []
afterAll(() => Promise.all(ours.map(server => server.remove())))

const started = async <T extends { remove(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
  const server = await starting
  ours.push(server)
  return server
}

const TEN_SECONDS = 10_000

/** One line says what it is and what to do, it is the last, and it came in time. */
function expectNamed(expect: ExpectStatic, run: Said, status: number, what: RegExp, fix: string): void {
  expect(run.stderr).toMatch(what)
  expect(run.last, run.stderr).toContain(/^[\w-]+: /.exec(what.source)?.[0] ?? '')
  // What does not fit stands above.
  expect(run.last).toContain(` → ${fix}`.slice(0, 40))
  expect(run.last.length).toBeLessThanOrEqual(160)
  // By itself on a line, to be pasted.
  expect(run.stderr.split('\n').map(line => line.trim())).toContain(fix)
  expect(run.status).toBe(status)
  expect(run.ms).toBeLessThan(TEN_SECONDS)
  expect(run.stderr).not.toMatch(/undefined|\[object|^ {4}at /m)
}

/** An address of this machine where PostgreSQL's usual port is free. */
const APART = '127.0.77.3'

describe('ten planted faults, each named in one line with its fix', () => {
  test.concurrent('a wrong host: the nearest name of the Compose file', async ({ expect }) => {
    const cwd = folderWith({
      'compose.yaml': 'services:\n  db:\n    image: postgres:16\n  redis:\n    image: redis:7\n',
    })
    const run = await doctor([], { cwd, env: { DATABASE_URL: 'postgres://app:pw-of-app@dbb:5432/app' } })
    expectNamed(
      expect,
      run,
      69,
      /dns-failure: the name "dbb" does not resolve .*"db"/,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      'export DATABASE_URL="${DATABASE_URL/@dbb/@db}"',
    )
  })

  test.concurrent('localhost in a container: the name of the container that is meant', async ({ expect }) => {
    const run = await doctorInContainer([], {
      env: { DB_HOST: 'localhost', DB_USER: 'app', DB_PASSWORD: 'pw-of-app', DB_NAME: 'app' },
      hosts: '127.0.0.1 localhost\n10.99.0.7 db\n',
    })
    expectNamed(expect, run, 69, /refused: localhost is this container itself/, 'export DB_HOST=db')
  })

  test.concurrent('a wrong port: who speaks there, and where the service does', async ({ expect }) => {
    const server = await started(startPostgres({ listen: APART, port: 5432 }))
    const redis = await started(startRedis({ listen: APART }))
    const wrong = await doctor([`db=${server.url({ port: redis.port })}`])
    const address = server.url({ password: '***' })
    expectNamed(
      expect,
      wrong,
      78,
      /protocol-mismatch: expected PostgreSQL, but Redis answers.*PostgreSQL answers on its usual port 5432/,
      address.replace(encodeURIComponent('***'), '***'),
    )
    const closed = await freePort()
    const nobody = await doctor([], { env: { PGHOST: APART, PGPORT: String(closed), PGUSER: 'app' } })
    expectNamed(expect, nobody, 69, /nothing listens on port \d+; .*usual port 5432/, 'export PGPORT=5432')
  })

  test.concurrent('a wrong password: where it came from', async ({ expect }) => {
    const server = await started(startPostgres())
    const run = await doctor([], { env: { DATABASE_URL: server.url({ password: 'wrong-one' }) } })
    const at = `psql -h 127.0.0.1 -p ${server.port} -U "\${PGADMIN:-postgres}" -d postgres`
    expectNamed(
      expect,
      run,
      78,
      /authentication-failed: .*user "app"; the password came from DATABASE_URL/,
      `${at} -c 'DO $$BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN END$$' -c '\\password app'`,
    )
    expect(server.rejectedLogins()).toBe(1)
  })

  test.concurrent('a missing role, of which the server says the same: it is created', async ({ expect }) => {
    const server = await started(startPostgres())
    const { stderr } = await doctor([server.url({ user: 'no one', password: 'x' })])
    const [, statement = ''] = /-c '(DO [^']*)' -c '\\password "no one"'/.exec(stderr) ?? []
    const roles = () => server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'no one' AND rolcanlogin")
    // Twice, as where the password alone is wrong.
    await server.sql(statement)
    await server.sql(statement)
    expect(await roles()).toMatch(/^1/)
  })

  test.concurrent('pg_hba.conf rejects this address: the line to add', async ({ expect }) => {
    const server = await started(startPostgres({ hba: ['host all all 10.9.9.9/32 scram-sha-256'] }))
    const run = await doctor([server.url()])
    expectNamed(
      expect,
      run,
      78,
      /access-denied: pg_hba\.conf rejects this address: .*host "127\.0\.0\.1"/,
      'host app app 127.0.0.1/32 scram-sha-256',
    )
    expect(run.stderr).toContain('SELECT pg_reload_conf()')
  })

  test.concurrent('listen_addresses=localhost: the setting, and that it takes a restart', async ({
    expect,
  }) => {
    const server = await started(startPostgres({ listen: 'localhost' }))
    await server.stop()
    const run = await doctorBeside(server, [server.url({ host: NETNS_OWN })])
    expectNamed(
      expect,
      run,
      69,
      /connection-refused: refused on 10\.99\.0\.1:\d+, while PostgreSQL answers on 127\.0\.0\.1:\d+.*listen_addresses=localhost/,
      `psql -h 127.0.0.1 -p ${server.port} -U "\${PGADMIN:-postgres}" -d postgres -c 'ALTER SYSTEM SET listen_addresses = '\\''*'\\''' && sudo systemctl restart postgresql`,
    )
  })

  test.concurrent('a missing database: how to create it', async ({ expect }) => {
    const { port, url } = sharedPostgres()
    expectNamed(
      expect,
      await doctor([url({ database: 'shop' })]),
      78,
      /database-not-found: database "shop" does not exist/,
      `createdb -h 127.0.0.1 -p ${port} -U "\${PGADMIN:-postgres}" -O app shop`,
    )
  })

  test.concurrent('TLS required: the sslmode to set', async ({ expect }) => {
    const server = await started(startPostgres({ tls: 'required' }))
    const url = server.url({ query: { sslmode: 'disable' } })
    const run = await doctor([], { env: { DATABASE_URL: url } })
    expectNamed(
      expect,
      run,
      78,
      /access-denied: the server requires TLS, and sslmode=disable gives none/,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      'export DATABASE_URL="${DATABASE_URL/sslmode=disable/sslmode=require}"',
    )
  })

  test.concurrent('a full server: who holds the connections, and what the program wants', async ({
    expect,
  }) => {
    const server = await started(startPostgres({ maxConnections: 2 }))
    await occupy(server, 2)
    const config = { targets: { db: { url: server.url(), pool: { max: 10, processes: 4 } } } }
    const run = await doctor(['db'], { cwd: folderWith({ 'holdfast.config.json': JSON.stringify(config) }) })
    expect(run.stderr).toMatch(
      /too-many-connections: the server is full: .*pool of 10 × 4 processes wants 40/,
    )
    expect(run.last).toContain(` → psql -h 127.0.0.1 -p ${server.port} -U `)
    expect([run.status, run.ms < TEN_SECONDS]).toEqual([69, true])
    // What is named can be run.
    const [, statement = ''] = /-c '(SELECT .*DESC)'$/m.exec(run.stderr) ?? []
    expect(await server.sql(statement.replaceAll("'\\''", "'"))).toMatch(/^5\|2\|app/m)
  })

  test.concurrent('a missing schema: what is missing, and the command that brings it', async ({ expect }) => {
    const config = {
      targets: { db: { url: sharedPostgres().url(), schema: { tables: ['pg_class', 'no_such_table'] } } },
      run: { migrate: 'npm run migrate' },
    }
    const cwd = folderWith({ 'holdfast.config.json': JSON.stringify(config) })
    const run = await doctor([], { cwd })
    expectNamed(expect, run, 65, /schema-missing: missing: table no_such_table/, 'npm run migrate')
  })
})

/** The address of the private network's one interface. */
const NETNS_OWN = NETNS.blackhole.replace(/\d+$/, '1')

/** Takes so many of the server's connections; they end with the server. */
async function occupy(server: PostgresServer, count: number): Promise<void> {
  const clients = Array.from({ length: count }, () => new pg.Client({ connectionString: server.url() }))
  for (const client of clients) client.on('error', () => {})
  await Promise.all(clients.map(client => client.connect()))
}

test.concurrent('a server that works over the socket and not over TCP is named as one', async ({
  expect,
}) => {
  const server = await started(startPostgres({ socketOnly: true }))
  const run = await doctorInContainer([server.url({ host: '127.0.0.1' })], {
    setup: ['mkdir /run/postgresql', `mount --bind ${server.socketDir} /run/postgresql`],
  })
  expectNamed(
    expect,
    run,
    69,
    /it works over the socket \/var\/run\/postgresql\/\.s\.PGSQL\.\d+, and is refused over TCP/,
    `psql -h /var/run/postgresql -p ${server.port} -U "\${PGADMIN:-postgres}" -d postgres -c 'ALTER SYSTEM SET listen_addresses = '\\''*'\\''' && sudo systemctl restart postgresql`,
  )
})

test.concurrent('a server with room for a few connections fails the concurrent examination', async ({
  expect,
}) => {
  const server = await started(startPostgres({ maxConnections: 8 }))
  const { status, target } = await doctorJson([server.url()])
  expect(status).toBe(69)
  expect(target).toMatchObject({ reason: 'too-many-connections', state: 'waiting' })
  expect(target.examinations.map(({ state }) => state)).toEqual([
    'passed',
    'passed',
    'failed',
    'passed',
    'skipped',
  ])
  expect(target.examinations[2]?.message).toMatch(
    /^[78] of 20 connections answered, 80 % must: too-many-connections/,
  )
  const less = await doctorJson([server.url(), '--connections', '10', '--threshold', '60'])
  expect([less.status, less.target.examinations[2]?.state]).toEqual([0, 'passed'])
})

test.concurrent('a pool that cannot be filled fails it, too', async ({ expect }) => {
  const server = await started(startPostgres({ maxConnections: 8 }))
  const config = {
    targets: { db: { url: server.url(), pool: { max: 10 } } },
    doctor: { connections: 5, threshold: 100 },
  }
  const cwd = folderWith({ 'holdfast.config.json': JSON.stringify(config) })
  const { status, target } = await doctorJson([], { cwd })
  expect([status, target.reason]).toEqual([69, 'too-many-connections'])
  expect(target.examinations[2]?.message).toMatch(
    /^5 of 5 connections answered; the pool of 10 cannot: [78] answered/,
  )
})

test.concurrent('a server that is starting is told as that, with the wait that helps', async ({ expect }) => {
  const server = await started(startPostgres({ state: 'starting' }))
  const run = await doctor([server.url()])
  expect(run.status).toBe(69)
  expect(run.last).toMatch(/server-not-ready: the database system .* → holdfast wait 'postgres:/)
})
