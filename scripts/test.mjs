// `npm test`: servers, build, checks, then every test; `npm test -- test/foo` narrows the tests down.
// The last line of all output is `N passed, N failed`; the status is 0 only if nothing failed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, packaged, sources } from './checks.mjs'
import { judge } from './judge.mjs'
import { run, tool } from './run.mjs'

/** Where everything that a test needs was promised to be there, a test that skips has failed. */
const strict = process.env.CI === 'true' || process.env.HOLDFAST_INSTALL === '1'

const total = { passed: 0, failed: 0 }

function count(ok) {
  total[ok ? 'passed' : 'failed']++
}

function finish() {
  const line = `\n${total.passed} passed, ${total.failed} failed\n`
  return new Promise(() => process.stdout.write(line, () => process.exit(total.failed > 0 ? 1 : 0)))
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

async function tests(args) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-tests-'))
  const file = join(folder, 'counts.json')
  const annotations = process.env.GITHUB_ACTIONS === 'true' ? ['github-actions'] : []
  const reporters = ['default', ...annotations, './scripts/counts-reporter.mjs'].map(
    name => `--reporter=${name}`,
  )
  const options = { inherit: true, env: { HOLDFAST_TEST_COUNTS: file } }
  const { status } = await run(tool('vitest'), ['run', ...reporters, ...args], options)
  const { passed, failed, problems, notes } = judge(read(file), { status, strict })
  rmSync(folder, { recursive: true, force: true })
  for (const note of notes) console.log(note)
  for (const problem of problems) console.log(`FAILED ${problem}`)
  total.passed += passed
  total.failed += failed
}

let stopped = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopped = true
  })
}

const steps = [
  async () => {
    const { status } = await run(process.execPath, ['scripts/servers.mjs'], { inherit: true })
    if (status === 0) return
    count(false)
    await finish()
  },
  async () => {
    const { ok } = await build()
    count(ok)
    const looks = await Promise.all([sources(), ...(ok ? [packaged()] : [])])
    for (const look of looks.flat()) count(look.ok)
  },
  () => tests(process.argv.slice(2)),
  async () => {
    if (!strict || process.argv.length > 2 || `${process.platform}-${process.arch}` !== 'linux-x64') return
    const core = ['wait-database', 'wait-command', 'test-verb'].map(name => `test/e2e/${name}`)
    const { status } = await run(process.execPath, ['scripts/matrix.mjs', '--others', ...core], {
      inherit: true,
    })
    count(status === 0)
  },
]
for (const step of steps) {
  await step()
  if (stopped) {
    console.log('FAILED interrupted')
    count(false)
    break
  }
}
await finish()
