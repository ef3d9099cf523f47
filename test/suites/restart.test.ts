import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startPostgres } from '../support/postgres.js'
import { run } from '../support/run.js'
import { writeSuite } from './project.js'
import type { Runner } from './runner.js'

/** Each file, in its own process, says what it got and waits until the next one may begin. */
const files: Runner = {
  name: 'node:test',
  packages: [],
  project: { 'package.json': '{}' },
  decides: 'inside',
  file: n => ({
    name: `file-${n}.test.mjs`,
    text: `import { existsSync, writeFileSync } from 'node:fs'
import { requireServices, test } from 'holdfast/node-test'
const services = requireServices('postgres')
test('file ${n}', async () => {
  writeFileSync('got-${n}', services.postgres.decision)
  while (!existsSync('go-${n}')) await new Promise(resolve => setTimeout(resolve, 10))
})
`,
  }),
  command: () => [process.execPath, '--test', '--test-concurrency=1'],
}

test('a server that goes and comes back in mid-run is used again by the files that begin after its answer is old', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  const folder = writeSuite(files, 3)
  const temp = join(folder, 'tmp')
  mkdirSync(temp)
  const [program = '', ...args] = files.command('')
  const ended = run(program, args, {
    cwd: folder,
    env: { HOME: folder, TMPDIR: temp, DATABASE_URL: server.url(), HOLDFAST_AVAILABILITY: '50ms' },
  })
  let over = false
  void ended.then(() => {
    over = true
  })
  const got = async (n: number) => {
    const file = join(folder, `got-${n}`)
    await expect.poll(() => over || existsSync(file), { timeout: 15_000 }).toBe(true)
    return existsSync(file) ? readFileSync(file, 'utf8') : (await ended).stdout
  }
  const go = (n: number) => writeFileSync(join(folder, `go-${n}`), '')

  expect(await got(1)).toBe('real')
  await server.kill()
  go(1)
  expect(await got(2)).toBe('stand-in')
  await server.start()
  go(2)
  expect(await got(3)).toBe('real')
  go(3)
  expect((await ended).status).toBe(0)
})
