import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import type { PostgresServer } from '../support/postgres.js'
import { run } from '../support/run.js'
import { type Case, casesOf } from './junit.js'
import { writeSuite } from './project.js'
import type { Runner } from './runner.js'
import type { Way } from './ways.js'

/** What a suite came to. */
export interface Played {
  readonly runner: string
  readonly way: string
  readonly status: number | null
  readonly cases: readonly Case[]
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Probes that the server let in, logins that it refused, and sessions of the tests themselves. */
  readonly probes: number
  readonly refused: number
  readonly sessions: number
  /** Both outputs, without colours. */
  readonly output: string
  readonly ms: number
}

/** Writes a suite of so many files and runs it. Nothing else may use the server meanwhile. */
export async function play(runner: Runner, way: Way, files: number, server: PostgresServer): Promise<Played> {
  const folder = writeSuite(runner, files)
  const junit = join(folder, 'junit.xml')
  const temp = join(folder, 'tmp')
  mkdirSync(temp)
  const before = loginsAt(server)
  const [program = '', ...args] = runner.command(junit)
  const env = { HOME: folder, TMPDIR: temp, LC_ALL: 'C.UTF-8', ...(await way.env(server)) }
  const { status, stdout, stderr, ms } = await run(program, args, { cwd: folder, env, timeoutMs: 300_000 })
  const cases = existsSync(junit) ? casesOf(readFileSync(junit, 'utf8')) : []
  const count = (state: Case['state']) => cases.filter(one => one.state === state).length
  const after = loginsAt(server)
  return {
    runner: runner.name,
    way: way.name,
    status,
    cases,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    probes: after.probes - before.probes,
    refused: after.refused - before.refused,
    sessions: after.sessions - before.sessions,
    output: stripVTControlCharacters(`${stdout}\n${stderr}`),
    ms,
  }
}

/** Logins as the server's log tells them, by what the sessions call themselves. */
function loginsAt(server: PostgresServer) {
  const log = server.log()
  const of = (name: string) =>
    log.match(new RegExp(`connection authorized: user=app .*application_name=${name}`, 'g'))?.length ?? 0
  return { probes: of('holdfast'), sessions: of('suite'), refused: server.rejectedLogins() }
}
