import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { install } from '../conformance/runners/play.js'
import { startPostgres } from '../support/postgres.js'
import { freePort, tempFolder } from '../support/root.js'
import { run } from '../support/run.js'

/** What all adapters promise is in test/conformance/runners; this is about what only Vitest and Jest have. */

let folder: string
beforeAll(() => {
  folder = tempFolder('projects')
  install(folder, ['vitest', 'jest', 'jest-environment-node'])
  put('package.json', '{ "type": "module" }')
})

function put(path: string, text: string) {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

async function play(args: readonly string[], env: Record<string, string>) {
  const { status, stdout, stderr } = await run(process.execPath, args, {
    cwd: folder,
    env: { HOME: folder, TMPDIR: folder, ...env },
    timeoutMs: 60_000,
  })
  return { status, output: stripVTControlCharacters(`${stdout}\n${stderr}`) }
}
const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--no-cache', '--reporter=verbose']

test("a project's own configuration holds for its tests, wherever the runner was started", async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  await server.sql('ALTER ROLE app CREATEDB')
  put('a/migrate.cjs', '')
  put(
    'a/holdfast.config.json',
    JSON.stringify({
      targets: { db: 'env:DB_URL' },
      test: { isolation: { mode: 'database', migrate: 'node migrate.cjs', files: ['migrate.cjs'] } },
    }),
  )
  const own = `test('has its own database', async ({ postgres }) => {
  expect(new URL(postgres.url).pathname).toMatch(/^\\/holdfast_c_/)
})
`
  put('a/vitest.config.js', "export default { test: { include: ['*.test.js'], name: 'a' } }")
  put(
    'a/one.test.js',
    `import fs from 'node:fs'
import { beforeAll, expect } from 'vitest'
import { requireServices, test } from 'holdfast/vitest'
const { db } = requireServices('db')
${own}
test('has what the configuration names', () => expect(db.url).toBe(process.env.DB_URL))
test('loses its keeper', () => {
  const run = fs.readdirSync(process.env.TMPDIR).find(name => name.startsWith('holdfast-run-'))
  const { pid } = JSON.parse(fs.readFileSync(process.env.TMPDIR + '/' + run + '/keeper.json', 'utf8'))
  process.kill(pid, 'SIGKILL')
  for (;;) {
    try { process.kill(pid, 0) } catch { return }
    if (fs.readFileSync('/proc/' + pid + '/stat', 'utf8').includes(') Z ')) return
  }
})
${own.replace('has', 'has again')}`,
  )
  put('vitest.config.js', "export default { test: { projects: ['./a/vitest.config.js'] } }")
  put(
    'a/jest.config.cjs',
    "module.exports = { testEnvironment: 'holdfast/jest/environment', testMatch: ['**/*.test.cjs'] }",
  )
  put('a/one.test.cjs', `const { test } = require('holdfast/jest')\n${own}`)
  put('jest.config.cjs', "module.exports = { projects: ['./a/jest.config.cjs'] }")
  const env = { DB_URL: server.url() }
  const inVitest = await play(vitest, env)
  expect(inVitest.status, inVitest.output).toBe(0)
  expect(inVitest.output).toContain('4 passed')
  const inJest = await play(['node_modules/jest/bin/jest.js', '--no-watchman'], env)
  expect(inJest.status, inJest.output).toBe(0)
})

test('a file that cannot be loaded leaves its environment to no other', async () => {
  put('b/vitest.config.js', 'export default { test: { isolate: false, fileParallelism: false } }')
  const top = "import { expect } from 'vitest'\nimport { requireServices, test } from 'holdfast/vitest'\n"
  // Larger files come first.
  put(
    'b/broken.test.js',
    `${top}requireServices('postgres')\nthrow new Error('broken')\n//${'-'.repeat(2_000)}`,
  )
  put(
    'b/next.test.js',
    `${top}test('has its address', () => expect(process.env.DATABASE_URL).toBe(process.env.GIVEN))`,
  )
  const DATABASE_URL = `postgres://app@127.0.0.1:${await freePort()}/app`
  const env = { DATABASE_URL, GIVEN: DATABASE_URL, HOLDFAST_STANDIN: 'pglite' }
  const { output } = await play([...vitest, '--root', 'b'], env)
  expect(output).toMatch(/✓ .*has its address/)
  expect(output.indexOf('broken.test.js')).toBeGreaterThan(-1)
})
