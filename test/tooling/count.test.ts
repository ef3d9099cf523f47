import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { judge } from '../../scripts/judge.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Runs vitest on planted test files, and what `npm test` would count. */
async function counted(files: Record<string, string>, strict = false) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-count-'))
  folders.push(folder)
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const head = `import { afterAll, beforeAll, describe, expect, test } from 'vitest'\n`
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), head + text)
  const file = join(folder, 'counts.json')
  const args = ['run', '--root', folder]
  const reporters = ['default', join(root, 'scripts/counts-reporter.mjs')].map(name => `--reporter=${name}`)
  const env = { ...process.env, HOLDFAST_TEST_COUNTS: file }
  const status = await new Promise<number>(resolve =>
    execFile(join(root, 'node_modules/.bin/vitest'), [...args, ...reporters], { env }, error =>
      resolve(error ? Number(error.code) : 0),
    ),
  )
  let counts: unknown
  try {
    counts = JSON.parse(readFileSync(file, 'utf8'))
  } catch {}
  const { passed, failed, problems, notes } = judge(counts, { status, strict })
  return { status, passed, failed, problems: problems.join('\n'), notes: notes.join('\n') }
}

const ONE = `test('one', () => {})\n`

describe.concurrent('the last line of npm test', () => {
  test('counts what passed and what failed', async () => {
    const it = await counted({ 'a.test.ts': `${ONE}test('two', () => expect(1).toBe(2))` })
    expect(it).toMatchObject({ status: 1, passed: 1, failed: 1, problems: '' })
  })

  test('a file that does not load is a failure', async () => {
    const it = await counted({ 'a.test.ts': ONE, 'b.test.ts': `import './gone.js'` })
    expect(it).toMatchObject({ status: 1, passed: 1, failed: 1 })
    expect(it.problems).toMatch(/^not run to its end: .*b\.test\.ts$/)
  })

  test('a hook that fails is a failure', async () => {
    const it = await counted({
      'a.test.ts': `${ONE}describe('group', () => { afterAll(() => { throw new Error('late') }); ${ONE} })`,
      'b.test.ts': `beforeAll(() => { throw new Error('early') }); ${ONE}`,
    })
    expect(it).toMatchObject({ status: 1, passed: 2, failed: 2 })
    expect(it.problems).toMatch(/^not run to its end: group\nnot run to its end: .*b\.test\.ts$/)
  })

  test('an error that nobody caught is a failure', async () => {
    const it = await counted({ 'a.test.ts': `test('one', () => void Promise.reject(new Error('stray')))` })
    expect(it).toMatchObject({ status: 1, passed: 1, failed: 1, problems: 'not caught: stray' })
  })

  test('a run without any test is a failure', async () => {
    expect(await counted({})).toMatchObject({ status: 1, passed: 0, failed: 1 })
    const it = await counted({ 'a.test.ts': `test.skip('one', () => {})` })
    expect(it).toMatchObject({ status: 0, passed: 0, failed: 1, problems: 'no test was run' })
  })

  test('a skipped test is named, and a failure where everything is installed, unless the platform is the reason', async () => {
    const files = {
      'a.test.ts': `${ONE}test('two', ({ skip }) => skip('no engine'))\ntest('three', ({ skip }) => skip('platform: no Linux'))\ntest.skip('four', () => {})`,
    }
    const lenient = await counted(files)
    expect(lenient).toMatchObject({ status: 0, passed: 1, failed: 0 })
    expect(lenient.notes.split('\n')).toHaveLength(3)
    expect(lenient.notes).toContain('a.test.ts > two (no engine)')
    const strict = await counted(files, true)
    expect(strict).toMatchObject({ status: 0, passed: 1, failed: 2 })
    expect(strict.notes).toBe('skipped: a.test.ts > three (platform: no Linux)')
  })

  test('a worker that dies is a failure', async () => {
    const it = await counted({ 'a.test.ts': ONE, 'b.test.ts': `test('dies', () => process.abort())` })
    expect(it.status).not.toBe(0)
    expect(it.failed).toBeGreaterThan(0)
  })
})
