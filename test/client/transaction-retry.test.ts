import { describe, expect, onTestFinished, test } from 'vitest'
import type { Client } from '../../src/client/pg.js'
import { claims, failing, insert } from './claims.js'

const { server, pool, rows, caught } = claims()

/** Resolves when so many have called it. */
function meeting(count: number): () => Promise<void> {
  let resolve = () => {}
  const all = new Promise<void>(done => {
    resolve = done
  })
  return () => {
    if (--count === 0) resolve()
    return all
  }
}

describe('with retry', () => {
  /** Two that read both rows and write one each: one of them cannot be serialized. */
  const swap = async (meet: () => Promise<void>, id: number, runs: number[]) =>
    pool().transaction(
      async client => {
        runs.push(id)
        await client.query('SELECT sum(n) FROM claim')
        await meet()
        await client.query('UPDATE claim SET n = n - 10 WHERE id = $1', [id])
      },
      { isolation: 'serializable', retry: { delayMillis: 1 } },
    )

  test('a serialization failure is repeated', async () => {
    const meet = meeting(2)
    const runs: number[] = []
    await Promise.all([swap(meet, 1, runs), swap(meet, 2, runs)])
    expect(runs.length).toBeGreaterThan(2)
    expect(await server().sql('SELECT sum(n) FROM claim')).toBe('-23')
  })

  test('a deadlock is repeated, and told before', async () => {
    const meet = meeting(2)
    const told: string[] = []
    const listen = ({ error }: { error: Error & { code?: string } }) => told.push(String(error.code))
    pool().on('retry' as never, listen as never)
    onTestFinished(() => void pool().off('retry', listen))
    const lock = (first: number, second: number) =>
      pool().transaction(
        async client => {
          await client.query('UPDATE claim SET n = n - 10 WHERE id = $1', [first])
          await meet()
          await client.query('UPDATE claim SET n = n - 10 WHERE id = $1', [second])
        },
        { retry: true },
      )
    await Promise.all([lock(1, 2), lock(2, 1)])
    expect(told).toEqual(['40P01'])
    expect(await server().sql('SELECT sum(n) FROM claim')).toBe('-43')
  })

  test.each([
    ['a conflict that the function swallows', "DO 'BEGIN RAISE SQLSTATE ''40001''; END'"],
    ['a lock that is not free', "DO 'BEGIN RAISE SQLSTATE ''55P03''; END'"],
    ['a connection lost before COMMIT', 'SELECT pg_terminate_backend(pg_backend_pid())'],
  ])('%s is repeated, and its effect there once', async (_, text) => {
    let runs = 0
    await pool().transaction(
      async client => {
        await insert(client, 3)
        if (runs++ === 0) await client.query(text).catch(() => {})
      },
      { retry: true },
    )
    expect([runs, await rows()]).toEqual([2, '3'])
  })

  test('as often as it is allowed, then it rejects with the last error', async () => {
    let runs = 0
    const work = (client: Client) => {
      runs++
      return client.query("DO 'BEGIN RAISE SQLSTATE ''40001''; END'")
    }
    expect(await caught(work, { retry: { attempts: 4, delayMillis: 1 } })).toMatchObject({ code: '40001' })
    expect(runs).toBe(4)
  })

  test("what is not this connection's is not repeated", async () => {
    let runs = 0
    for (const thrown of [
      new Error('Connection terminated'),
      Object.assign(new Error('x'), { code: '40001' }),
    ]) {
      const error = await caught(
        async client => {
          runs++
          await insert(client, 3)
          throw thrown
        },
        { retry: true },
      )
      expect(error).toBe(thrown)
    }
    const broken = await caught(
      client => {
        runs++
        return failing(client)
      },
      { retry: true },
    )
    expect([broken.code, runs]).toEqual(['23505', 3])
  })
})
