/**
 * A claim in a transaction, cut at every message of both directions: no crash, an end, an answer that is true, a pool
 * that works on. A child process runs the cases, so that a crash is one.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Cut } from '../support/cutter.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { record, runCases, type Verdict } from '../surprises/batches.js'
import { type Batch, type Case, type Point, say } from '../surprises/cases.js'
import { buildProgram } from '../surprises/children.js'

let server: PostgresServer
let program: string
let points: Record<Case['claim'], Point[]>

const told = () => ({
  host: server.host,
  port: server.port,
  url: server.url({ query: { sslmode: 'disable' } }),
})

beforeAll(async () => {
  ;[server, program] = await Promise.all([startPostgres({ auth: 'trust' }), buildProgram()])
  await server.sql(`create table coupon (id serial primary key, remaining int);
    create table claim (coupon int);
    grant all on all tables in schema public to app; grant all on all sequences in schema public to app`)
  points = await record(program, told())
}, 100_000)
afterAll(() => server.remove())

/** What went wrong, one line a case. */
const wrong = (verdicts: readonly Verdict[]) =>
  verdicts.flatMap(({ case: { claim, direction, n, type, cut }, result, stderr }) => {
    const what = result
      ? [...result.violations, ...(result.fired ? [] : ['the cut did not happen'])]
      : [`it crashed: ${stderr?.trim().split('\n').slice(0, 8).join(' | ')}`]
    const answer = result
      ? `; told ${say(result.answer)}, ${result.committed ? 'committed' : 'not committed'}`
      : ''
    return what.map(it => `${claim} ${direction} ${n} (${type}) ${cut}: ${it}${answer}`)
  })

/** Of the messages of a run of the same kind the first and the last. */
const distinct = (all: readonly Point[]) =>
  all.filter(({ direction, n, type }) => {
    const at = (m: number) => all.find(it => it.direction === direction && it.n === m)?.type
    return type !== 'S' || direction === 'to-server' || at(n - 1) !== 'S' || at(n + 1) !== 'S'
  })

const SHARP: readonly Cut[] = ['reset', 'end', 'terminated', 'reset-alone', 'end-alone']
const toClient: readonly Cut[] = [...SHARP, 'truncate']
const cutsFor = ({ direction }: Point) => (direction === 'to-client' ? toClient : SHARP)

/** One cut for each message, another one for the next. */
const inTurn = (point: Point, index: number) => [cutsFor(point)[index % cutsFor(point).length] as Cut]

const casesOf = (claim: Case['claim'], cuts: (point: Point, index: number) => readonly Cut[]): Case[] =>
  distinct(points[claim]).flatMap((point, index) => cuts(point, index).map(cut => ({ ...point, claim, cut })))

async function judged(cases: readonly Case[], more: Partial<Batch> = {}) {
  const verdicts = await runCases(program, { ...told(), ...more, cases })
  expect(verdicts).toHaveLength(cases.length)
  return wrong(verdicts)
}

it('every cut at every message of the documented transaction, and one at each of the login, ends well', async () => {
  const begin = distinct(points.documented).findLastIndex(({ type, n }) => type === 'Q' && n < 4)
  const cases = casesOf('documented', (point, index) => (index < begin ? inTurn : cutsFor)(point, index))
  expect(await judged(cases)).toEqual([])
})

it('a cut at every message of transaction(), and of a statement that commits by itself, ends well', async () => {
  expect(await judged([...casesOf('helper', inTurn), ...casesOf('statement', inTurn)])).toEqual([])
})

it('with others waiting for the only connection, a cut of it and of the next one ends well', async () => {
  const cases = casesOf('crowded', inTurn).map(it => ({ ...it, times: 2 }))
  expect(await judged(cases)).toEqual([])
})

it('silence from any message on ends within the limits', async () => {
  const limits = { query_timeout: 300, connectTimeoutMillis: 300, endTimeoutMillis: 300 }
  const cases = (['documented', 'helper', 'statement'] as const).flatMap((claim, shift) =>
    casesOf(claim, (_, index) => (index % 6 === 2 * shift ? ['hang'] : [])),
  )
  expect(await judged(cases, { options: limits, jobs: 8 })).toEqual([])
})

it('the same cases crash bare pg', async () => {
  const cases = [3, 8].flatMap(n =>
    (['reset', 'terminated'] as const).map(
      cut => ({ claim: 'documented', direction: 'to-server', n, type: 'P', cut }) as const,
    ),
  )
  const crashes = (await runCases(program, { ...told(), cases }, 'bare')).filter(({ result }) => !result)
  expect(crashes.map(({ stderr }) => /Unhandled 'error' event/.test(stderr ?? ''))).toEqual([
    true,
    true,
    true,
    true,
  ])
})
