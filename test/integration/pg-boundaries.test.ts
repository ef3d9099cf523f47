/**
 * A claim in a transaction, cut at every message of both directions: no crash, an end, an answer that is true, a pool
 * that works on. A child process runs the cases, so that a crash is one.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { record, runCases, type Verdict } from '../surprises/batches.js'
import { type Case, type Point, say } from '../surprises/cases.js'
import { buildProgram } from '../surprises/children.js'
import { type Cut } from '../support/cutter.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

let server: PostgresServer
let program: string
let points: Record<Case['claim'], Point[]>

const told = () => ({ host: server.host, port: server.port, url: server.url({ query: { sslmode: 'disable' } }) })

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
    const answer = result ? `; told ${say(result.answer)}, ${result.committed ? 'committed' : 'not committed'}` : ''
    return what.map(it => `${claim} ${direction} ${n} (${type}) ${cut}: ${it}${answer}`)
  })

/** Of the messages of a run of the same kind the first and the last. */
const distinct = (all: readonly Point[]) =>
  all.filter(({ direction, n, type }) => {
    const at = (m: number) => all.find(it => it.direction === direction && it.n === m)?.type
    return type !== 'S' || direction === 'to-server' || at(n - 1) !== 'S' || at(n + 1) !== 'S'
  })

const casesOf = (claim: Case['claim'], cuts: (point: Point, index: number) => readonly Cut[]): Case[] =>
  distinct(points[claim]).flatMap((point, index) => cuts(point, index).map(cut => ({ ...point, claim, cut })))

const SHARP: readonly Cut[] = ['reset', 'end', 'terminated', 'reset-alone', 'end-alone']

async function judged(cases: readonly Case[], options = {}) {
  const verdicts = await runCases(program, { ...told(), cases, ...options })
  expect(verdicts).toHaveLength(cases.length)
  return wrong(verdicts)
}

it.each(['documented', 'helper', 'statement'] as const)('%s: every cut at every message ends well', async claim => {
  const cases = casesOf(claim, ({ direction }) => (direction === 'to-client' ? [...SHARP, 'truncate'] : SHARP))
  console.log(claim, cases.length, points[claim].map(p=>p.direction[3]+p.n+p.type).join(' '))
  expect(await judged(cases)).toEqual([])
}, 100_000)
