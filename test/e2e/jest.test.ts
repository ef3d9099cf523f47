import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { requireServices, ServiceTest } from '../../src/testing/jest.js'
import { install } from '../conformance/runners/play.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedPostgres } from '../support/shared.js'

/** What all adapters promise is in test/conformance/runners; this is about what only Jest has. */

let project: string
beforeAll(() => {
  project = tempFolder('jest')
  install(project, ['jest', 'jest-environment-node'])
  put('package.json', '{}')
  put('jest.config.js', "module.exports = { testEnvironment: 'holdfast/jest/environment' }")
})

const put = (name: string, text: string) => writeFileSync(join(project, name), text)
const IMPORT = "const { describe, it, requireServices, test } = require('holdfast/jest')\n"

async function jest(args: readonly string[], env: Record<string, string> = {}, node: readonly string[] = []) {
  const command = [
    ...node,
    'node_modules/jest/bin/jest.js',
    '--verbose',
    '--no-watchman',
    '--ci=false',
    ...args,
  ]
  const { status, stdout, stderr } = await run(process.execPath, command, {
    cwd: project,
    env: { HOME: project, TMPDIR: project, DATABASE_URL: sharedPostgres().url(), ...env },
    timeoutMs: 60_000,
  })
  return { status, output: stripVTControlCharacters(`${stdout}\n${stderr}`) }
}

const PASSING = `${IMPORT}
test('objects are of the context of the test', ({ postgres }) => {
  const { name, url, env } = postgres
  expect({ name, url, env: { ...env } }).toStrictEqual({ name: 'postgres', url: process.env.DATABASE_URL, env })
  expect(postgres instanceof Object).toBe(true)
  expect(env instanceof Object).toBe(true)
})
test('waits for a callback', done => void setTimeout(done, 1))
test('has a context of its own', function () { expect(this).not.toBe(globalThis) })
test.failing('fails as it says', ({ postgres }) => { throw new Error(postgres.url) })
test.each([[1, 2], [2, 1]])('adds %i to %i', (a, b) => expect(a + b).toBe(3))
test.each([{ postgres: 1 }])('takes a row that looks like a service', ({ postgres }) => expect(postgres).toBe(1))
test.concurrent('is concurrent', async ({ postgres }) => expect(postgres.decision).toBe('real'))
test.concurrent('is concurrent, too', async ({ postgres }) => expect(postgres.url).toContain('postgres'))
it('is told by its other name', async ({}) => {})
test.skip('is skipped', ({ nosuch }) => {})
test.todo('is to come')
test('has a snapshot', () => expect('kept').toMatchSnapshot())
`

const ONLY = `${IMPORT}
test.only('is the only one', ({ postgres }) => expect(postgres.decision).toBe('real'))
test('is not asked', ({ nosuch }) => {})
describe('does not run', () => { requireServices('nosuch'); test('nor does this', () => {}) })
`

test('what hangs on test goes on working, with services and without', async () => {
  put('passing.test.js', PASSING)
  put('only.test.js', ONLY)
  const { status, output } = await jest([])
  expect(status, output).toBe(0)
  expect(output).toMatch(/Tests: +3 skipped, 1 todo, 12 passed/)
  expect(output).not.toMatch(/did not exit|open handle/)
})

test('types fit what Jest takes', () => expect(typed).toBeTypeOf('function'))

describe('where a service is missing', () => {
  test('no hook runs, although a test that is to come would have it run, and snapshots are kept', async () => {
    put(
      'missing.test.js',
      `${IMPORT}
requireServices('postgres')
beforeAll(() => { throw new Error('ran') })
afterAll(() => { throw new Error('ran') })
test.todo('is to come')
test('has a snapshot', () => expect('kept').toMatchSnapshot())
`,
    )
    const snapshots =
      '// Jest Snapshot v1, https://jestjs.io/docs/snapshot-testing\n\nexports[`has a snapshot 1`] = `"kept"`;\n'
    const folder = join(project, '__snapshots__')
    await run('mkdir', ['-p', folder])
    writeFileSync(join(folder, 'missing.test.js.snap'), snapshots)
    const env = { HOLDFAST_TARGET_POSTGRES: 'skip', HOLDFAST_TARGET_POSTGRES_REASON: 'by hand' }
    const { status, output } = await jest(['missing', '-u'], env)
    expect(status, output).toBe(0)
    expect(output).toContain('skipped has a snapshot (postgres: by hand)')
    expect(readFileSync(join(folder, 'missing.test.js.snap'), 'utf8')).toBe(snapshots)
  })

  test('a file of which nothing runs is told of in a line, also without --verbose', async () => {
    put('whole.test.js', `${IMPORT}requireServices('postgres')\ntest('one', () => {})\ntest('two', () => {})`)
    const env = { HOLDFAST_TARGET_POSTGRES: 'skip', HOLDFAST_TARGET_POSTGRES_REASON: 'by hand' }
    const { output } = await jest(['whole', '--verbose=false'], env)
    expect(output).toContain('holdfast: whole.test.js: 2 tests skipped: postgres: by hand\n')
  })
})

test('variables lead to a stand-in for the block and for programs that it starts, and are set back', async () => {
  put(
    'variables.test.js',
    `${IMPORT}
const { execFileSync } = require('node:child_process')
const inChild = () => execFileSync(process.execPath, ['-p', 'process.env.CACHE'], { encoding: 'utf8' }).trim()
const all = () => [process.env.CACHE, inChild()]
describe('a block', () => {
  const services = requireServices('redis')
  const { redis } = services
  beforeAll(() => expect(all()).toEqual([redis.url, redis.url]))
  test('has them', () => expect(all()).toEqual([redis.url, services.env.CACHE]))
})
test('a test has them for itself', async ({ redis }) => expect(all()).toEqual([redis.url, redis.env.CACHE]))
test('the others do not', () => expect(all()).toEqual(['redis://127.0.0.1:1', 'redis://127.0.0.1:1']))
`,
  )
  put('holdfast.config.json', '{ "targets": { "redis": "env:CACHE" } }')
  const { status, output } = await jest(['variables'], {
    CACHE: 'redis://127.0.0.1:1',
    HOLDFAST_STANDIN: 'system',
  })
  await run('rm', [join(project, 'holdfast.config.json')])
  expect(status, output).toBe(0)
})

test('another environment, ES modules and no injected globals', async () => {
  put(
    'other-environment.js',
    `const { holdfastEnvironment } = require('holdfast/jest/environment')
const { TestEnvironment } = require('jest-environment-node')
module.exports = holdfastEnvironment(class extends TestEnvironment {
  constructor(...args) { super(...args); this.global.events = [] }
  async handleTestEvent({ name }) { this.global.events.push(name) }
})`,
  )
  put(
    'other.json',
    JSON.stringify({
      testEnvironment: './other-environment.js',
      injectGlobals: false,
      testMatch: ['**/*.mjs'],
    }),
  )
  put(
    'module.mjs',
    `import { expect } from '@jest/globals'
import { requireServices, test } from 'holdfast/jest'
const { postgres } = await requireServices.async('postgres')
const { url } = postgres
test('runs', async ({ postgres }) => {
  expect(postgres.url).toBe(url)
  expect(events).toContain('run_start')
})`,
  )
  const { status, output } = await jest(['--config', 'other.json'], {}, ['--experimental-vm-modules'])
  expect(status, output).toBe(0)
  expect(output).toMatch(/Tests: +1 passed/)
})

test('what is written wrongly is told with what to write', async () => {
  const files: Record<string, readonly [text: string, message: string]> = {
    environment: [
      `/** @jest-environment node */\n${IMPORT}requireServices('postgres')\ntest('a', () => {})`,
      "testEnvironment: 'holdfast/jest/environment',",
    ],
    context: [
      `${IMPORT}test('a', async context => {})`,
      'test "a": the first parameter must name what the test needs',
    ],
    callback: [
      `${IMPORT}test('b', async ({ postgres }, done) => {})`,
      'return a promise instead of calling done',
    ],
    late: [`${IMPORT}test('a', () => requireServices('postgres'))`, 'not into a test or a hook'],
    unknown: [`${IMPORT}test('a', async ({ postgress }) => {})`, 'did you mean postgres?'],
    env: [`${IMPORT}requireServices('env')\ntest('a', () => {})`, 'a target called env cannot be required'],
    none: [`${IMPORT}requireServices()\ntest('a', () => {})`, "write requireServices('postgres')"],
  }
  for (const [name, [text]] of Object.entries(files)) put(`wrong-${name}.test.js`, text)
  const { status, output } = await jest(['wrong-'])
  expect(status).toBe(1)
  expect(output).toMatch(new RegExp(`Test Suites: ${Object.keys(files).length} failed`))
  for (const [, message] of Object.values(files)) expect(output).toContain(message)
})

/** Compiled and not called: what Jest's users write is of the right type, and what is wrong is not. */
function typed(it: ServiceTest, requires: typeof requireServices) {
  it('takes services', async ({ postgres, redis }) => {
    const urls: string[] = [postgres.url, redis.url]
    return urls
  })
  it('takes a callback', done => void done())
  it('takes nothing', () => {}, 100)
  it.with({ isolation: 'transaction' }).only('takes a client', ({ postgres }) => postgres.client)
  it.concurrent
    .failing('takes one', async ({ mysql }) => mysql.url)
  it.each([[1, 'a']] as const)('takes a row', (a, b) => [a.toFixed(), b.length])
  it.each([{ a: 1 }])('takes an object', ({ a }) => a.toFixed())
  it.each`
    a\n
    ${1}
  `('takes a table', ({ a }) => a)
  it.with({ isolation: 'transaction' })('asks it', ({ postgres }) => postgres.client.query('SELECT 1'))
  const two = requires('postgres', 'redis', { needs: ['concurrency'] })
  const url: string = two.postgres.url
  // @ts-expect-error it is not named
  it(url, () => two.postgress)
  // @ts-expect-error there is no such service
  it('takes no service', ({ nosuch }) => nosuch)
  // @ts-expect-error a service has no such thing
  it('takes no such thing', ({ postgres }) => postgres.nosuch)
}
