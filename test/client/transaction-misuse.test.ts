import { describe, expect, test } from 'vitest'
import { classify } from '../../src/index.js'
import { claims, insert } from './claims.js'

const { pool, rows, caught } = claims()

describe('a function that is not as it should be', () => {
  test.each(['COMMIT', 'ROLLBACK', 'BEGIN', 'end', ' start transaction', 'ABORT', "PREPARE TRANSACTION 'a'"])(
    'calls %s itself: it is not sent, and nothing is kept, whether it heeds the error or not',
    async text => {
      for (const heed of [() => {}, (error: Error) => Promise.reject(error)]) {
        const error = await caught(async client => {
          await insert(client, 3)
          await client.query(text).catch(heed)
          await insert(client, 4)
        })
        expect(error.message).toMatch(/was called inside of transaction\(\)/)
        expect(classify(error)).toMatchObject({ reason: 'client-misuse', outcome: 'rejected' })
        expect(await rows()).toBe('')
      }
    },
  )

  test.each([
    [
      '/* now */ COMMIT',
      '3',
      'unknown',
      /called COMMIT itself: what it had done before is kept; what came after ran outside/,
    ],
    ['SELECT 1; COMMIT AND CHAIN', '3', 'unknown', /COMMIT itself/],
    ['SELECT 1; COMMIT; BEGIN', '3', 'unknown', /COMMIT itself/],
    [
      '/* no */ ROLLBACK',
      '4',
      'unknown',
      /called ROLLBACK itself: what it had done before is undone; what came after/,
    ],
    [
      '/* nested */ BEGIN',
      '',
      'rejected',
      /called BEGIN itself: the server ignored it, and all of it was rolled back/,
    ],
  ])('hides %s: it is told what became of it', async (text, kept, outcome, message) => {
    const error = await caught(async client => {
      await insert(client, 3)
      await client.query(text)
      await insert(client, 4)
    })
    expect(error.message).toMatch(message)
    expect(classify(error)).toMatchObject({ reason: 'client-misuse', outcome })
    expect(await rows()).toBe(outcome === 'unknown' && text.startsWith('/* now') ? '3 4' : kept)
  })

  test('fails after a COMMIT of its own: that part of it is kept comes before what failed', async () => {
    let runs = 0
    const error = await caught(
      async client => {
        runs++
        await client.query(
          "INSERT INTO claim VALUES (3, 3); COMMIT; DO 'BEGIN RAISE SQLSTATE ''40001''; END'",
        )
      },
      { retry: true },
    )
    expect(error).toMatchObject({ message: expect.stringMatching(/COMMIT itself/), cause: { code: '40001' } })
    expect([classify(error).outcome, runs, await rows()]).toEqual(['unknown', 1, '3'])
  })

  test('ends it by a ROLLBACK that hides, and does nothing more: nothing is kept', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      await client.query('SELECT 1; ROLLBACK')
    })
    expect([classify(error).outcome, await rows()]).toEqual(['rejected', ''])
  })

  test('does not await a statement: nothing is kept', async () => {
    const error = await caught(async client => {
      await insert(client, 3)
      void insert(client, 4)
    })
    expect(error.message).toMatch(/a statement was still running when the function returned/)
    expect([classify(error).outcome, await rows()]).toEqual(['rejected', ''])
  })

  test('goes on after the transaction is over: its statements are refused', async () => {
    let resolve = () => {}
    const over = new Promise<void>(done => {
      resolve = done
    })
    let late: Promise<unknown> = Promise.resolve()
    await pool().transaction(async client => {
      late = over.then(() => insert(client, 5))
      await insert(client, 3)
    })
    resolve()
    await expect(late).rejects.toMatchObject({
      message: expect.stringMatching(/came after its transaction\(\) was over, and was not sent/),
      holdfast: { reason: 'client-misuse', outcome: 'not-sent' },
    })
    expect(await rows()).toBe('3')
  })

  test('releases the client: it is told not to', async () => {
    const error = await caught(async client => client.release())
    expect([error.message, pool().state().used]).toEqual([expect.stringMatching(/do not release it/), 0])
  })
})
