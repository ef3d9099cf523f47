/** What `holdfast test` leaves in the journal, and what `holdfast report` makes of it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Entry } from '../../src/journal/entry.js'
import { holdfast } from '../support/cli.js'
import { freePort, tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'

const absent = async () => `postgres://app:longpassword@127.0.0.1:${await freePort()}/app`
const CI = { CI: 'true', GITHUB_RUN_ID: '77', GITHUB_RUN_ATTEMPT: '1' }

function project(): { cwd: string; decisions: () => Entry[]; env: Record<string, string> } {
  const cwd = tempFolder('project')
  const file = join(cwd, 'journal.ndjson')
  const decisions = () =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Entry)
      .filter(one => one.kind === 'decision')
  return { cwd, decisions, env: { HOLDFAST_JOURNAL: file } }
}

test('a skip in one of two jobs that share a run of CI is not hidden by the other job', async () => {
  const { cwd, env, decisions } = project()
  for (const DATABASE_URL of [await absent(), sharedPostgres().url()])
    await holdfast(['test', '--allow-skip', '--', 'true'], { cwd, env: { ...env, ...CI, DATABASE_URL } })
  const [first, second] = decisions()
  expect([first?.run, first?.decision, second?.decision]).toEqual([second?.run, 'skip', 'real'])
  expect(first?.root).not.toBe(second?.root)
  const { status, stderr } = await holdfast(['report', '--max-skip-rate', '10%'], { cwd, env })
  expect([status, stderr]).toEqual([1, expect.stringContaining('(1 of 2)')])
})

test('a service that suites below holdfast test have recorded is counted by them alone', async () => {
  const { cwd, env, decisions } = project()
  const adapter = new URL('../../dist/node-test.js', import.meta.url).href
  const suite = `import { requireServices, test } from '${adapter}'
    requireServices('postgres')
    test('it runs', () => {})`
  for (const name of ['a', 'b']) writeFileSync(join(cwd, `${name}.test.mjs`), suite)
  const ended = await holdfast(['test', '--', process.execPath, '--test'], {
    cwd,
    env: { ...env, DATABASE_URL: sharedPostgres().url() },
  })
  expect(ended.status, ended.stderr).toBe(0)
  expect(decisions().map(({ scope, suite: of }) => [scope, of])).toEqual([
    ['command', `${process.execPath} --test`],
    ...['a', 'b'].map(() => [undefined, expect.stringMatching(/^[ab]\.test\.mjs$/)]),
  ])
  expect(new Set(decisions().map(one => one.root)).size).toBe(1)
  const { json } = await holdfast(['report', '--json'], { cwd, env })
  expect(json()).toMatchObject({ report: { suites: 2, total: { decisions: 2, real: 2 } } })
})

test('a journal that cannot be one is refused before anything starts', async () => {
  const env = { HOLDFAST_JOURNAL: 'mysql://app:s3cr3t@db/app' }
  const { status, stdout, stderr } = await holdfast(['test', '--', 'echo', 'ran'], { env })
  expect([status, stdout]).toEqual([64, ''])
  expect(stderr).toMatch(
    /^holdfast: HOLDFAST_JOURNAL: "mysql:\/\/app:\*\*\*@db\/app" is not a journal[^\n]*\n$/,
  )
})

test('a journal that cannot be written is told once, and the project’s own with -v alone', async () => {
  const { cwd } = project()
  writeFileSync(join(cwd, '.holdfast'), '')
  writeFileSync(join(cwd, 'holdfast.config.json'), '{}')
  const told = async (args: string[], env: Record<string, string> = {}) => {
    const url = { DATABASE_URL: sharedPostgres().url() }
    const { status, stderr } = await holdfast(['test', ...args, '--', 'true'], {
      cwd,
      env: { ...url, ...env },
    })
    expect(status, stderr).toBe(0)
    return stderr.match(/no journal: /g)?.length ?? 0
  }
  expect(await told([])).toBe(0)
  expect(await told(['-v'])).toBe(1)
  expect(await told([], { HOLDFAST_JOURNAL: join(cwd, '.holdfast/x') })).toBe(1)
})

test('where there is no server to look at, the table says what was decided', async () => {
  const args = ['test', '--service', 'postgres', '--service', 'redis', '--allow-skip', '--', 'true']
  const { status, stderr } = await holdfast(args, { env: { HOLDFAST_STANDIN: 'sqlite' } })
  expect(status, stderr).toBe(0)
  expect(stderr).toMatch(
    /^ {2}target {4}decision\n {2}postgres {2}skip\n {2}redis {5}skip\nholdfast: no server to look at: 2 skip\nholdfast: postgres: skip: /,
  )
})

test('-q keeps the reason of a failure', async () => {
  const env = { CI: 'true', DATABASE_URL: await absent() }
  const { status, stderr } = await holdfast(['test', '-q', '--', 'true'], { env })
  expect([status, stderr]).toEqual([69, expect.stringMatching(/postgres: fail: .*--allow-stand-in/)])
})
