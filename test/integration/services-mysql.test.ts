/** A real MariaDB: who is let in, what it refuses, and what it is asked. */

import { connect } from 'node:net'
import { networkInterfaces, userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { waitFor } from '../../src/gate/library.js'
import { leavingNothing, probe, readiness, refusal, SECRET } from '../conformance/probing.js'
import { type MariadbOptions, type MariadbServer, startMariadb } from '../support/mariadb.js'
import { freePort } from '../support/root.js'

const ED25519 = 'a password that is longer than the thirty-two bytes of a key'

let server: MariadbServer
beforeAll(async () => {
  server = await startMariadb({
    setup: `install soname 'auth_ed25519';
      create user signer@'%' identified via ed25519 using password('${ED25519}'); grant all on app.* to signer@'%';
      create user open@'%'; grant all on app.* to open@'%';
      create user locked@'%' identified by '${SECRET}' account lock;
      create user daemon@'%' identified via unix_socket;
      install soname 'auth_pam_v1'; create user pam@'%' identified via pam;
      create user either@'%' identified via ed25519 using password('${ED25519}') or mysql_native_password using password('${SECRET}');
      create user reader@'%' identified by '${SECRET}'; grant select on app.* to reader@'%';
      create user strict@'%' identified by '${SECRET}' require ssl;
      create table app.Users (id int primary key, name text); create view app.names as select name from app.Users;
      create table app.lock_rows (n int) engine=InnoDB; insert into app.lock_rows values (1);
      create procedure app.answer() select 0 as first_one, 1;
      grant execute on app.* to reader@'%'`,
  })
})
afterAll(() => server.remove())
leavingNothing([SECRET, ED25519])

async function withMariadb(
  options: MariadbOptions,
  work: (it: MariadbServer) => Promise<void>,
): Promise<void> {
  const it = await startMariadb(options)
  await work(it).finally(() => it.remove())
}

describe('a login succeeds', () => {
  test('over TCP, and tells what the server is', async () => {
    const verdict = await readiness(server.url())
    expect(verdict.server).toMatchObject({
      product: 'MariaDB',
      version: expect.stringMatching(/^1\d\.\d+\.\d+$/),
      incarnation: expect.stringMatching(/^\d{10}-[0-9a-f]{8}$/),
      ageMs: expect.any(Number),
    })
    expect(verdict.server.via).toBeUndefined()
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'auth', 'query'])
  })

  test('over the Unix socket, by its path', async () => {
    const { steps } = await readiness(server.socketUrl())
    expect(steps[0]).toMatchObject({ layer: 'tcp', address: server.socket, state: 'ok' })
    await readiness(server.url({ query: { host: server.socket } }))
  })

  test.each(['mysql', 'mariadb', 'mysql+pymysql'])('with the scheme %s', async scheme => {
    await readiness(server.url({ scheme }))
  })

  test('by a signature, with a password longer than a key', async () => {
    await readiness(server.url({ user: 'signer', password: ED25519 }))
  })

  test('without a password where there is none, and into no database', async () => {
    await readiness(server.url({ user: 'open', password: null, database: null }))
  })

  test('as the user of the operating system, over the socket', async () => {
    const { username } = userInfo()
    await server.sql(`create user '${username}'@localhost identified via unix_socket`)
    await readiness(server.socketUrl({ user: username, password: null, database: null }))
  })

  test('by the second of two methods that the account takes', async () => {
    await readiness(server.url({ user: 'either', database: null }))
  })

  test('and ends with a farewell: the server counts no broken connection', async () => {
    const before = await server.status('Aborted_connects')
    const broken = await server.status('Aborted_clients')
    const { session } = await probe(server.url(), { connections: 5, until: 'write' })
    await session?.close()
    await refusal(server.url({ database: 'nowhere' }))
    expect(await server.status('Aborted_clients')).toBe(broken)
    // The refused database is the server's own count.
    expect((await server.status('Aborted_connects')) - before).toBe(1)
  })
})

describe('a login fails', () => {
  test.each([
    ['a wrong password', 'app', 'wrong', '1045'],
    ['a wrong password to sign with', 'signer', 'wrong', '1045'],
    ['a user that does not exist', 'stranger', SECRET, '1045'],
    ['an account that is locked', 'locked', SECRET, '4151'],
    ['an account of the operating system', 'daemon', SECRET, '1698'],
  ])('for %s', async (_, user, password, code) => {
    const verdict = await refusal(server.url({ user, password }))
    expect(verdict).toMatchObject({
      layer: 'auth',
      heard: true,
      finding: { reason: 'authentication-failed', code },
    })
  })

  test('without a password, and the advice says where to put it', async () => {
    const { finding } = await refusal(server.url({ password: null }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '1045' })
    expect(finding.advice).toContain('mysql://USER:PASSWORD@')
  })

  test('for an account that requires TLS, and the advice names it', async () => {
    const { finding } = await refusal(server.url({ user: 'strict', database: null }))
    expect(finding).toMatchObject({ reason: 'authentication-failed', code: '1045' })
    expect(finding.advice).toContain('sslmode=require')
  })

  test('by a method that holdfast does not speak: misuse, with the method named', async () => {
    const { finding } = await refusal(server.url({ user: 'pam', database: null }))
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('asks for dialog')
  })

  test('into a database that does not exist, with the age of the server', async () => {
    await server.sql("create user wide@'%'; grant select on *.* to wide@'%'")
    const verdict = await refusal(server.url({ user: 'wide', password: null, database: 'nowhere' }))
    expect(verdict).toMatchObject({
      layer: 'auth',
      finding: { reason: 'database-not-found', code: '1049' },
      server: { ageMs: expect.any(Number) },
    })
    expect(verdict.finding.advice).toContain('CREATE DATABASE')
  })

  test('into a database without a right to it, which the server does not tell apart', async () => {
    const verdict = await refusal(server.url({ database: 'mysql' }))
    expect(verdict).toMatchObject({ finding: { reason: 'database-not-found', code: '1044' } })
    expect(verdict.finding.advice).toMatch(/CREATE DATABASE, or GRANT/)
  })

  test('at most twice by one wait', async () => {
    const before = await server.status('Access_denied_errors')
    const address = server.url({ password: 'wrong' })
    await expect(waitFor(address, { timeoutMs: 5_000, graceMs: 300 })).rejects.toMatchObject({
      verdict: { finding: { reason: 'authentication-failed' } },
    })
    expect((await server.status('Access_denied_errors')) - before).toBe(2)
  })
})

describe('a server', () => {
  test('at max_connections says so, and is ready again once a client has left', () =>
    withMariadb({ maxConnections: 10 }, async it => {
      const held = await Promise.all(Array.from({ length: 10 }, () => probe(it.url())))
      expect(held.every(({ verdict }) => verdict.ready)).toBe(true)
      const verdict = await refusal(it.url())
      expect(verdict).toMatchObject({
        layer: 'auth',
        heard: true,
        finding: { reason: 'too-many-connections', code: '1040' },
      })
      // The administrator has a place of its own.
      expect(await it.sql('select 1')).toBe('1')
      await held[0]?.session?.close()
      await expect.poll(async () => (await probe(it.url())).verdict.ready, { timeout: 5000 }).toBe(true)
    }))

  test('with a limit for the account says so, too', async () => {
    await server.sql("create user few@'%' with max_user_connections 2; grant all on app.* to few@'%'")
    const { finding } = await refusal(server.url({ user: 'few', password: null }), { connections: 4 })
    expect(finding).toMatchObject({ reason: 'too-many-connections', code: '1226' })
    expect(finding.message).toMatch(/^2 of 4 connections answered/)
  })

  test('that was started anew is another incarnation, and the same one as long as it lives', () =>
    withMariadb({}, async it => {
      const { verdict, session } = await probe(it.url())
      const before = verdict.ready ? verdict.server : undefined
      const seen = new Set<string | undefined>()
      // Over the turn of a second, where rounding would show.
      const end = performance.now() + 1_500
      while (performance.now() < end) seen.add((await session?.inspect?.())?.incarnation)
      expect([...seen]).toEqual([before?.incarnation])
      await session?.close()
      await it.restart()
      const after = (await readiness(it.url())).server
      expect(after.incarnation).not.toBe(before?.incarnation)
    }))

  test('never claims to be older than it is, nor to have served while it may have been starting', () =>
    withMariadb({}, async it => {
      // Before ten o'clock the hour has a space for its first digit.
      const [, day, time = ''] = /^(\S+) +(\S+) 0 \[Note\] Starting/m.exec(it.log()) ?? []
      const said = `${day}T${time.padStart(8, '0')}`
      const { ageMs = Number.NaN, servingMs } = (await readiness(it.url())).server
      // Its log is in whole seconds, too.
      expect(ageMs).toBeLessThanOrEqual(Date.now() - Date.parse(`${said}Z`))
      expect(servingMs).toBe(0)
    }))

  test('that does not listen yet refuses, and is ready when it does', async () => {
    const port = await freePort()
    const refused = await refusal(`mysql://app@127.0.0.1:${port}/app`)
    expect(refused).toMatchObject({ layer: 'tcp', finding: { reason: 'connection-refused' } })
    const starting = startMariadb({ port })
    const address = `mysql://app:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/app`
    const result = await waitFor(address, { timeoutMs: 20_000 }).finally(async () =>
      (await starting).remove(),
    )
    expect(result).toBeDefined()
  })

  test('locks an account out after too many wrong passwords, which the right one then shows', () =>
    withMariadb({ settings: { 'max-password-errors': '2' } }, async it => {
      for (let i = 0; i < 2; i++) await refusal(it.url({ password: 'wrong' }))
      const { finding } = await refusal(it.url())
      expect(finding).toMatchObject({ reason: 'authentication-failed', code: '4150' })
      expect(finding.advice).toContain('FLUSH PRIVILEGES')
    }))

  const [own] = Object.values(networkInterfaces())
    .flatMap(it => it ?? [])
    .filter(it => it.family === 'IPv4' && !it.internal)

  // The server remembers no errors of 127.0.0.1.
  test.skipIf(!own)(
    'blocks a host after broken handshakes, and the advice says how to unblock it',
    async () => {
      const settings = { 'max-connect-errors': '1', 'skip-name-resolve': 'OFF' }
      await withMariadb({ listen: '0.0.0.0', settings }, async it => {
        const address = it.url({ host: own?.address ?? '' })
        await readiness(address)
        for (let i = 0; i < 2; i++) await opensAndLeaves(own?.address ?? '', it.port)
        const verdict = await refusal(address)
        expect(verdict).toMatchObject({
          layer: 'handshake',
          finding: { reason: 'access-denied', code: '1129' },
        })
        expect(verdict.finding.advice).toContain('FLUSH HOSTS')
        await it.sql('flush hosts')
        // Ten whole probes break no handshake.
        for (let i = 0; i < 10; i++) await (await probe(address)).session?.close()
        await readiness(address)
      })
    },
  )

  test.skipIf(!own)('with no account for this host says so before it greets', async () => {
    const setup = "drop user app@'%'; create user app@'127.0.0.1'; flush privileges"
    await withMariadb({ listen: '0.0.0.0', setup }, async it => {
      const verdict = await refusal(it.url({ host: own?.address ?? '' }))
      expect(verdict).toMatchObject({
        layer: 'handshake',
        finding: { reason: 'access-denied', code: '1130' },
      })
    })
  })
})

/** What a check does that only looks whether the port is open. */
const opensAndLeaves = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    socket.once('data', () => socket.end())
    socket.once('close', () => resolve()).once('error', reject)
  })

describe('a question', () => {
  test('is asked until its first value is not false', async () => {
    await readiness(server.url(), { queries: ['select true', "select 'yes', 0", 'show tables'] })
    for (const text of ['select false', 'select null', 'select 1 from app.Users', 'select 0.0 = 1', 'do 1']) {
      const verdict = await refusal(server.url(), { queries: [text] })
      expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'unmet' } })
    }
  })

  test('may be a procedure with several results, of which the first counts', async () => {
    const { finding } = await refusal(server.url(), { queries: ['call app.answer()'] })
    expect(finding.reason).toBe('unmet')
    await readiness(server.url(), { queries: ['select 1'] })
  })

  test('about many rows and long values is answered by the first row, and the next one after it', async () => {
    const { session } = await probe(server.url())
    const rows = await session?.query?.("select seq, repeat('x', 70000) from seq_1_to_200")
    expect(rows).toEqual([['1', 'x'.repeat(70_000)]])
    const long = await session?.query?.("select 1, repeat('x', 3000000), 2 from seq_1_to_3")
    expect(long?.[0]?.[0]).toBe('1')
    expect(long?.[0]?.[1]?.length).toBeLessThan(1 << 20)
    expect(await session?.query?.('select 2')).toEqual([['2']])
  })

  test.each([
    ['a table that is not there yet', 'select * from nowhere', 'schema-missing', '1146'],
    ['a column that is not there yet', 'select age from Users', 'schema-missing', '1054'],
    ['what is no SQL', 'selekt', 'query-error', '1064'],
    ['two statements at once', 'select 1; select 2', 'query-error', '1064'],
    [
      'what takes too long',
      'set statement max_statement_time=0.05 for select sleep(5)',
      'statement-timeout',
      '1969',
    ],
  ])('about %s fails in the words of the server', async (_, text, reason, code) => {
    const verdict = await refusal(server.url(), { queries: [text] })
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason, code } })
  })

  test('that nobody waits for any more is ended at the server', async () => {
    const { finding } = await refusal(server.url(), {
      queries: ["select benchmark(1000000000000, md5('asked'))"],
      timeoutMs: 500,
    })
    expect(finding.reason).toBe('statement-timeout')
    const running = () =>
      server.sql(
        "select count(*) from information_schema.processlist where info like '%benchmark%' and user = 'app'",
      )
    await expect.poll(running, { timeout: 5_000 }).toBe('0')
  })

  test('for a file of this machine is not answered, whoever asks', async () => {
    const verdict = await refusal(server.url(), {
      queries: ["load data local infile '/etc/hostname' into table Users"],
    })
    expect(verdict.finding.reason).toMatch(/query-error|protocol-mismatch/)
  })
})

describe('until write', () => {
  test('a server that takes writes is ready, and nothing is left there', async () => {
    const tables = () =>
      server.sql("select count(*) from information_schema.tables where table_name like 'holdfast%'")
    const { session } = await probe(server.url(), { until: 'write' })
    expect(await tables()).toBe('0')
    await session?.write?.()
    await session?.write?.()
  })

  test.each([
    ['without a database', 'open', null],
    ['without the right to temporary tables', 'reader', 'app'],
  ])('%s a transaction has to do', async (_, user, database) => {
    const password = user === 'open' ? null : SECRET
    await readiness(server.url({ user, password, database }), { until: 'write' })
  })

  test('a server whose storage is read-only says so', () =>
    withMariadb({ settings: { 'innodb-read-only': 'ON' } }, async it => {
      const verdict = await refusal(it.url(), { until: 'write' })
      expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only' } })
    }))

  test('a read-only server is ready, and read-only for writes until it is none any more', () =>
    withMariadb({ readOnly: true }, async it => {
      await readiness(it.url())
      const verdict = await refusal(it.url(), { until: 'write' })
      expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only', code: '1290' } })
      await it.sql('set global read_only = off')
      await readiness(it.url(), { until: 'write' })
    }))
})

describe('until schema', () => {
  test('what is there is found, also with the database named', async () => {
    const expect = { tables: ['Users', 'app.Users', 'names'], columns: ['Users.name', 'app.Users.id'] }
    await readiness(server.url(), { until: 'schema', expect })
    await readiness(server.url({ database: null }), { until: 'schema', expect: { tables: ['app.Users'] } })
  })

  test('what is missing is named, and nothing else', async () => {
    const tables = ['Users', 'users', 'orders', `it's "odd" \\`]
    const { finding } = await refusal(server.url(), {
      until: 'schema',
      expect: { tables, columns: ['Users.name', 'Users.age', 'orders.id'] },
    })
    expect(finding.reason).toBe('schema-missing')
    expect(finding.message).toBe(
      `missing: table users, table orders, table it's "odd" \\, column Users.age, column orders.id`,
    )
  })

  test('an odd name is found under its name', async () => {
    await server.sql("create table app.`it's \\ odd` (n int)")
    const tables = ["it's \\ odd"]
    await readiness(server.url(), { until: 'schema', expect: { tables } })
    await server.sql("set global sql_mode = 'NO_BACKSLASH_ESCAPES'")
    const { finding } = await refusal(server.url(), { until: 'schema', expect: { tables: ["x' or '1'='1"] } })
    await server.sql('set global sql_mode = default')
    expect(finding.reason).toBe('schema-missing')
  })

  test('a table without its database says that the address names none', async () => {
    const { finding } = await refusal(server.url({ database: null }), {
      until: 'schema',
      expect: { tables: ['Users'] },
    })
    expect(finding.message).toContain('the address names no database')
  })

  test('extensions are misuse', async () => {
    const { finding } = await refusal(server.url(), { until: 'schema', expect: { extensions: ['pgcrypto'] } })
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('pgcrypto')
  })
})
