/** A real ClickHouse: who is let in, what it refuses, and what is asked of it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET } from '../conformance/probing.js'
import { type ClickHouseOptions, type ClickHouseServer, startClickHouse } from '../support/clickhouse.js'

/** A password that no header can hold, and one that only UTF-8 can. */
const SPACED = 'in the end '
const WIDE = 'пароль-密码'

let server: ClickHouseServer
beforeAll(async () => {
  server = await startClickHouse({
    users: {
      default: {},
      reader: { readonly: 1 },
      semi: { readonly: 2 },
      shut: { databases: ['other'] },
      far: { networks: ['192.0.2.1'] },
      poor: { settings: { max_memory_usage: 20_000_000 } },
      spaced: { password: SPACED },
      wide: { password: WIDE },
    },
  })
})
afterAll(() => server.remove())
leavingNothing([SECRET, WIDE])

async function withServer(
  options: ClickHouseOptions,
  work: (it: ClickHouseServer) => Promise<void>,
): Promise<void> {
  const it = await startClickHouse(options)
  await work(it).finally(() => it.remove())
}

describe('a login succeeds', () => {
  test('by a statement that only ClickHouse answers, and tells version, birth and age', async () => {
    const verdict = await readiness(server.url())
    expect(verdict.server).toEqual({
      product: 'ClickHouse',
      version: await server.sql('SELECT version()'),
      incarnation: expect.stringMatching(/^\d{10}$/),
      ageMs: expect.any(Number),
    })
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp', 'handshake', 'auth', 'query'])
  })

  test.each([
    ['whose password ends with a space', { user: 'spaced', password: SPACED }],
    ['whose password is of other letters', { user: 'wide', password: WIDE }],
    ['who is not named', { user: '' }],
    ['who may only read', { user: 'reader' }],
    ['of no database in particular', { database: '' }],
  ])('for a user %s', async (_, parts) => {
    await readiness(server.url(parts))
  })

  test('for a user and a database that the address names as drivers of other languages do', async () => {
    const rows = await (
      await probe(
        `clickhouse://127.0.0.1:${server.port}?username=app&password=${encodeURIComponent(SECRET)}&database=app`,
      )
    ).session?.query?.('SELECT currentDatabase()')
    expect(rows).toEqual([['app']])
  })
})

describe('a login fails', () => {
  test.each([
    ['a wrong password', { password: 'wrong' }, 'authentication-failed', '193'],
    ['a missing password', { password: null }, 'authentication-failed', '194'],
    ['a user that does not exist', { user: 'stranger' }, 'authentication-failed', '192'],
    ['a database that does not exist', { database: 'nope' }, 'database-not-found', '81'],
    ['a database that the user may not see', { user: 'shut' }, 'access-denied', '291'],
    ['an address that the user may not come from', { user: 'far' }, 'access-denied', '195'],
  ])('for %s', async (_, parts, reason, code) => {
    const verdict = await refusal(server.url(parts))
    expect(verdict).toMatchObject({ layer: 'auth', heard: true, finding: { reason, code } })
    expect(verdict.finding.message).not.toMatch(/displayText|e\.what/)
  })

  test('without a database, and the advice says how to make it', async () => {
    const { finding } = await refusal(server.url({ database: 'nope' }))
    expect(finding.message).toContain('nope')
    expect(finding.advice).toContain('CREATE DATABASE')
  })
})

describe('a server', () => {
  test('that has too many queries says so, and is ready once one has ended', () =>
    withServer(
      { maxConcurrentQueries: 1, users: { app: { settings: { queue_max_wait_ms: 1 } } } },
      async it => {
        const held = it.sql('SELECT sleep(2)')
        await expect
          .poll(async () => (await probe(it.url())).verdict, { timeout: 2_000, interval: 10 })
          .toMatchObject({
            ready: false,
            layer: 'auth',
            finding: { reason: 'resource-exhausted', code: '202' },
          })
        await held
        await readiness(it.url())
      },
    ))

  test('that was started anew is another incarnation, and one life has one', () =>
    withServer({}, async it => {
      const birth = async () => (await readiness(it.url())).server.incarnation
      const before = await birth()
      await it.stop()
      // Whole seconds tell lives apart that began two of them apart.
      await expect.poll(() => Date.now() / 1000 - Number(before), { timeout: 5_000 }).toBeGreaterThan(2.1)
      await it.start()
      const after = await birth()
      expect(after).not.toBe(before)
      const seen = new Set<string | undefined>()
      const end = Date.now() + 1_200
      while (Date.now() < end) seen.add(await birth())
      expect([...seen]).toEqual([after])
    }))

  test('that loads its tables refuses, and is ready with all of them', () =>
    withServer({}, async it => {
      const tables = Array.from({ length: 60 }, (_, n) => `t${n}`)
      for (const table of tables) await it.sql(`CREATE TABLE ${table} (n UInt8) ENGINE = TinyLog`)
      await it.stop()
      const started = it.start()
      const reasons = new Set<string>()
      for (;;) {
        const { verdict } = await probe(it.url(), { until: 'schema', expect: { tables } })
        if (verdict.ready) break
        reasons.add(verdict.finding.reason)
      }
      await started
      expect([...reasons]).toEqual(['connection-refused'])
    }))

  test('closes an idle connection, and the session goes on over another', () =>
    withServer({ keepAliveSeconds: 1 }, async it => {
      const { session } = await probe(it.url())
      let ended = false
      void session?.closed.then(() => {
        ended = true
      })
      await new Promise(resolve => setTimeout(resolve, 1_300))
      expect(ended).toBe(false)
      expect((await session?.inspect?.())?.product).toBe('ClickHouse')
      await it.kill()
      await session?.closed
    }))
})

describe('a query', () => {
  const session = async () => (await probe(server.url())).session

  test('gives rows as text, with every sign that a text can hold', async () => {
    const rows = await (await session())?.query?.(
      "SELECT 1, NULL, 'a\\tb\\nc\\\\d\\'e\\0', 'é', [1, 2], toDate('2020-01-02') UNION ALL SELECT 2, 3, '', '\\\\N', [], toDate(0)",
    )
    expect(rows?.toSorted()).toEqual([
      ['1', null, "a\tb\nc\\d'e\0", 'é', '[1,2]', '2020-01-02'],
      ['2', '3', '', '\\N', '[]', '0000-00-00'],
    ])
  })

  test('whose FORMAT has no first value is a misuse', async () => {
    const { finding } = await refusal(server.url(), { queries: ['SELECT 0 FORMAT JSON'] })
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('FORMAT JSON')
    const named = await refusal(server.url(), { queries: ['SELECT 0 AS n FORMAT TabSeparatedWithNames'] })
    expect(named.finding.reason).toBe('unmet')
  })

  test('that fails after rows were sent has failed', async () => {
    const late = 'SELECT throwIf(number = 150000), number FROM system.numbers LIMIT 200000'
    const { finding } = await refusal(server.url(), { queries: [late] })
    expect(finding).toMatchObject({ reason: 'query-error', code: '395' })
  })

  test('with a result without an end is cut, and memory stays flat', async () => {
    const it = await session()
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 3; i++)
      expect((await it?.query?.('SELECT number FROM system.numbers'))?.slice(0, 2)).toEqual([['0'], ['1']])
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 << 20)
    await it?.ping?.()
    await expect
      .poll(() => server.sql("SELECT count() FROM system.processes WHERE query LIKE '%system.numbers'"))
      .toBe('0')
  })

  test('that nobody waits for any more is ended at the server', async () => {
    const verdict = await refusal(server.url(), {
      queries: ['SELECT count() FROM system.numbers'],
      timeoutMs: 500,
    })
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'statement-timeout' } })
    await expect
      .poll(() =>
        server.sql("SELECT count() FROM system.processes WHERE query LIKE '%count() FROM system.numbers'"),
      )
      .toBe('0')
  })

  test('beyond the memory of its user is told so', async () => {
    const verdict = await refusal(server.url({ user: 'poor' }), {
      queries: ['SELECT groupArray(number) FROM (SELECT number FROM system.numbers LIMIT 10000000)'],
    })
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'resource-exhausted', code: '241' } })
  })

  test('of a table that is not there yet is a matter of migrations', async () => {
    const { finding } = await refusal(server.url(), { queries: ['SELECT count() FROM orders'] })
    expect(finding).toMatchObject({ reason: 'schema-missing', code: '60' })
  })

  test('with a syntax error is answered in the words of the server', async () => {
    const { finding } = await refusal(server.url(), { queries: ['SELEC 1'] })
    expect(finding).toMatchObject({ reason: 'query-error', code: '62' })
    expect(finding.message).toContain('Syntax error')
  })

  test.each(['reader', 'semi'])('by a user that may only read (%s) is answered', async user => {
    await readiness(server.url({ user }), { queries: ['SELECT 1'] })
  })
})

describe('until write', () => {
  test('a user that may write is ready, and nothing is left', async () => {
    const { session } = await probe(server.url(), { until: 'write' })
    await session?.write?.()
    expect(await server.sql("SELECT count() FROM system.tables WHERE name LIKE '%holdfast%'")).toBe('0')
  })

  test.each(['reader', 'semi'])('a user that may only read (%s) meets read-only', async user => {
    const verdict = await refusal(server.url({ user }), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'read-only', code: '164' } })
    expect(verdict.finding.advice).toContain('readonly=0')
  })
})

describe('until schema', () => {
  beforeAll(async () => {
    await server.sql('CREATE TABLE IF NOT EXISTS "Events" (id UInt64, nest Nested(n UInt8)) ENGINE = Memory')
    await server.sql('CREATE DATABASE IF NOT EXISTS other', 'default')
    await server.sql('CREATE TABLE IF NOT EXISTS other.t (a UInt8) ENGINE = Memory')
  })

  test('what is there is found by its name, alone or with its database', async () => {
    await readiness(server.url(), {
      until: 'schema',
      expect: {
        tables: ['Events', 'app.Events', 'other.t'],
        columns: ['Events.id', 'Events.nest.n', 'other.t.a'],
      },
    })
  })

  test('what is missing is named', async () => {
    const verdict = await refusal(server.url(), {
      until: 'schema',
      expect: { tables: ['Events', 'events', "o'r\\der", 't'], columns: ['Events.name', 'other.t.b'] },
    })
    expect(verdict).toMatchObject({ layer: 'schema', finding: { reason: 'schema-missing' } })
    expect(verdict.finding.message).toBe(
      "missing: table events, table o'r\\der, table t, column Events.name, column other.t.b",
    )
  })

  test('an extension is a misuse: there are none', async () => {
    const { finding } = await refusal(server.url(), { until: 'schema', expect: { extensions: ['pgcrypto'] } })
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain('pgcrypto')
  })
})
