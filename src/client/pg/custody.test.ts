import { describe, expect, test } from 'vitest'
import { guard } from './custody.js'
import type { Client } from './types.js'

/** A client that answers what it is asked, after a tick: by its callback or by a promise, as pg does. */
function answering() {
  const asked: unknown[][] = []
  const query = (...args: unknown[]): unknown => {
    asked.push(args)
    const callback = args.find(one => typeof one === 'function')
    if (!callback) return Promise.resolve('answer')
    setImmediate(() => callback(null, 'answer'))
    return undefined
  }
  return { client: { query } as unknown as Client, asked }
}

type Asked = { text: string; values: unknown[]; signal?: AbortSignal }

describe('a statement through the client of a function', () => {
  test("keeps its class beside the transaction's signal: its text may be a getter", async () => {
    class Statement {
      constructor(
        readonly parts: string[],
        readonly values: unknown[],
      ) {}
      get text() {
        return this.parts.join('$1')
      }
    }
    const { client, asked } = answering()
    const { signal } = new AbortController()
    const statement = new Statement(['SELECT ', ''], [7])
    await guard(client, { by: 'transaction()', signal }).client.query(statement as never)
    const sent = asked[0]?.[0] as Asked
    expect([sent.text, sent.values, sent.signal]).toEqual(['SELECT $1', [7], signal])
    expect(sent).toBeInstanceOf(Statement)
    expect(statement).not.toHaveProperty('signal')
  })

  describe.each([
    ['a third argument', ['SELECT 1', [7]]],
    ['a second argument', ['SELECT 1']],
  ] as const)('with a callback as %s', (_, before) => {
    test('is counted until it is answered', () => counted(done => [...before, done]))
  })

  test('with a callback in its object is counted until it is answered', () =>
    counted(callback => [{ text: 'SELECT 1', callback }]))

  test('with a callback in its object is refused through it', async () => {
    const { client, asked } = answering()
    const loan = guard(client, { by: 'transaction()', inTransaction: true })
    const error = await new Promise(callback => loan.client.query({ text: 'COMMIT', callback } as never))
    expect([error, asked]).toEqual([loan.misuse, []])
  })
})

async function counted(args: (done: (error: unknown, answer: unknown) => void) => readonly unknown[]) {
  const { client } = answering()
  const loan = guard(client, { by: 'transaction()', inTransaction: true })
  const query = loan.client.query as unknown as (...all: unknown[]) => unknown
  const answer = new Promise((resolve, reject) => {
    const returned = query(...args((error, result) => (error ? reject(error) : resolve(result))))
    expect([returned, loan.running]).toEqual([undefined, 1])
  })
  expect([await answer, loan.running]).toEqual(['answer', 0])
}
