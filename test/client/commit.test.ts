import pg from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  type Client,
  commitTokens,
  createPool,
  type Pool,
  type TransactionOptions,
  txidStatus,
} from '../../src/client/pg.js'
import { classify } from '../../src/index.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { type Cut, type Cutter, isCommit, isCommitted, startCutter } from './cutter.js'

let server: PostgresServer

beforeAll(async () => {
  server = await startPostgres()
  await server.sql(`CREATE TABLE claim (id int GENERATED ALWAYS AS IDENTITY, name text); ${commitTokens().ddl};
    GRANT ALL ON claim, holdfast_commit TO app; ALTER TABLE claim OWNER TO app`)
})
afterAll(() => server.remove())
beforeEach(() => server.sql('TRUNCATE claim, holdfast_commit'))

async function scene(): Promise<{ pool: Pool; cutter: Cutter }> {
  const cutter = await startCutter(server)
  const pool = createPool(
    server.url({ host: cutter.host, port: cutter.port, query: { sslmode: 'disable' } }),
    { backoffMillis: 20 },
  )
  onTestFinished(async () => {
    await pool.end()
    await cutter.close()
  })
  return { pool, cutter }
}

const WAITING_COMMIT = `
  CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(6); RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON claim DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()`

const UNTIL_BLOCKED = `DO $$ BEGIN
  WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory') LOOP
    PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
  END LOOP; END $$`

const claim = (client: Client) => client.query("INSERT INTO claim (name) VALUES ('a')").then(() => 'claimed')
const claims = async () => Number(await server.sql('SELECT count(*) FROM claim'))

async function lose(cut: Cut, options: TransactionOptions) {
  const { pool, cutter } = await scene()
  const fired = cutter.cut(cut)
  let runs = 0
  const outcome = pool
    .transaction(client => {
      runs++
      return claim(client)
    }, options)
    .then(
      value => ({ value }),
      error => ({ error }),
    )
  await fired
  return { ...(await outcome), runs, pool, cutter } as {
    value?: string
    error?: Error & { code?: string; suppressed?: unknown[] }
    runs: number
    pool: Pool
    cutter: Cutter
  }
}

const LOST_ON_THE_WAY: Cut = { at: isCommit, ends: 'both' }
const LOST_UNNOTICED: Cut = { at: isCommit, ends: 'client' }
const REPLY_LOST: Cut = { at: isCommitted, ends: 'both' }

describe('a COMMIT whose answer does not come', () => {
  test.each([
    ['that was lost on the way', LOST_ON_THE_WAY, 0],
    ['that was executed', REPLY_LOST, 1],
  ])('%s is not known to anybody, and never repeated', async (_, cut, kept) => {
    const { error, runs, pool } = await lose(cut, { retry: true })
    expect(error).toMatchObject({
      code: '08007',
      message: expect.stringContaining('it is not known whether the transaction took effect'),
      cause: { message: expect.stringMatching(/terminated|reset/i) },
    })
    expect(classify(error)).toMatchObject({
      reason: 'connection-lost',
      phase: 'commit',
      outcome: 'unknown',
      httpStatus: 500,
    })
    expect([runs, await claims()]).toEqual([1, kept])
    expect(await pool.transaction(claim)).toBe('claimed')
  })

  describe.each([
    ['txidStatus()', () => txidStatus()],
    ['commitTokens()', () => commitTokens()],
  ])('%s', (_, resolver) => {
    test('finds that it was executed', async () => {
      const { value, runs } = await lose(REPLY_LOST, { resolve: resolver(), retry: true })
      expect([value, runs, await claims()]).toEqual(['claimed', 1, 1])
    })

    test('finds that it was not', async () => {
      const { error, runs } = await lose(LOST_ON_THE_WAY, { resolve: resolver() })
      expect(error).toMatchObject({ code: '40000', message: expect.stringContaining('was rolled back') })
      expect(classify(error)).toMatchObject({ reason: 'connection-lost', outcome: 'rejected' })
      expect([runs, await claims()]).toEqual([1, 0])
    })

    test('lets it be repeated where it was not, and then it is there once', async () => {
      const { value, runs } = await lose(LOST_ON_THE_WAY, { resolve: resolver(), retry: true })
      expect([value, runs, await claims()]).toEqual(['claimed', 2, 1])
    })

    test('ends a session that still waits for it, so that it cannot be executed later', async () => {
      const { value, runs, cutter } = await lose(LOST_UNNOTICED, { resolve: resolver(), retry: true })
      cutter.deliver()
      await server.waitForLog(/terminating connection due to administrator command/)
      expect([value, runs, await claims()]).toEqual(['claimed', 2, 1])
    })

    test('waits while the transaction is at its COMMIT', async () => {
      // A trigger that runs at COMMIT waits for a lock that the test holds.
      await server.sql(WAITING_COMMIT)
      onTestFinished(async () => void (await server.sql('DROP FUNCTION wait CASCADE')))
      const { pool, cutter } = await scene()
      const holder = new pg.Client(server.url())
      await holder.connect()
      onTestFinished(() => holder.end())
      await holder.query('SELECT pg_advisory_lock(6)')
      const asks = cutter.passes(({ type, text }) => type === 'P' && /txid_status|ON CONFLICT/.test(text))
      const answered = pool.transaction(claim, { resolve: resolver(), retry: true })
      await server.sql(UNTIL_BLOCKED)
      cutter.drop()
      await asks
      await holder.query('SELECT pg_advisory_unlock(6)')
      expect([await answered, await claims()]).toEqual(['claimed', 1])
    })

    test('asks until the server is back', async () => {
      const { pool, cutter } = await scene()
      const fired = cutter.cut(REPLY_LOST)
      const answered = pool.transaction(claim, { resolve: resolver() })
      await fired
      await server.restart()
      expect([await answered, await claims()]).toEqual(['claimed', 1])
    })

    test('gives up in time, and keeps what was in the way', async () => {
      const { pool, cutter } = await scene()
      const refused = cutter.cut(REPLY_LOST).then(() => cutter.refuse())
      const answered = pool.transaction(claim, { resolve: resolver(), resolveTimeoutMillis: 300 })
      await expect(answered).rejects.toMatchObject({ code: '08007', suppressed: [expect.any(Error)] })
      await refused
    })
  })

  test('txidStatus() calls nothing committed after a crash, which may have given its number to another one', async () => {
    const { pool, cutter } = await scene()
    const fired = cutter.cut(REPLY_LOST)
    const answered = pool.transaction(claim, { resolve: txidStatus() })
    const failed = expect(answered).rejects.toMatchObject({ code: '08007' })
    await fired
    await server.restart('immediate')
    await failed
  })

  test('txidStatus() calls a transaction that wrote nothing rolled back', async () => {
    const { pool, cutter } = await scene()
    const fired = cutter.cut(REPLY_LOST)
    const answered = pool.transaction(client => client.query('SELECT 1'), { resolve: txidStatus() })
    await expect(answered).rejects.toMatchObject({ code: '40000', holdfast: { outcome: 'rejected' } })
    await fired
  })

  test('a function of your own may answer, and what is no answer is unknown', async () => {
    const asked: unknown[] = []
    const resolve = {
      prepare: async () => 7,
      ask: async (_: Client, prepared: unknown) => {
        asked.push(prepared)
        return 'perhaps' as 'unknown'
      },
    }
    const { error } = await lose(REPLY_LOST, { resolve })
    expect([error?.code, asked]).toEqual(['08007', [7]])
  })

  test('a mistake in the resolver is not asked again', async () => {
    const { error } = await lose(REPLY_LOST, {
      resolve: {
        ask: async () => {
          throw new TypeError('rows[0] is undefined')
        },
      },
    })
    expect(error).toMatchObject({ code: '08007', suppressed: [expect.any(TypeError)] })
  })
})
