/**
 * `npm run matrix [-- TEST...]`: the command line's tests on the packed package, once with each version of Node in
 * tools/matrix and once with the one that runs this. Exit 1 when one of them failed.
 *
 *   --others   without the Node that runs this
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { run, seconds, tool } from './run.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { others: { type: 'boolean' } },
})
if (`${process.platform}-${process.arch}` !== 'linux-x64') {
  console.error('The versions of Node in tools/matrix are for Linux on x64.')
  process.exit(1)
}
const root = fileURLToPath(new URL('..', import.meta.url))
const home = join(root, 'tools/matrix')

/** What every version has to do: the library's face from both module systems, and a verdict. */
const LIBRARY = `
  import { createRequire } from 'node:module'
  import { classify, probe } from 'holdfast'
  const required = createRequire(import.meta.url)('holdfast')
  const verdict = await probe('tcp://127.0.0.1:1', { timeoutMs: 2000 })
  const { reason } = classify(Object.assign(new Error('x'), { code: '57P03', severity: 'FATAL' }), { driver: 'pg' })
  const told = [required.probe === probe, verdict.finding?.reason, reason].join(' ')
  if (told !== 'true connection-refused server-not-ready') throw new Error(told)`

const folder = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

async function must(name, ...args) {
  const { status, output } = await run(...args)
  if (status === 0) return output
  console.error(`${name}:\n${output}`)
  process.exit(1)
}

await must('build', process.execPath, ['scripts/build.mjs'])
const packing = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
const packed = JSON.parse((await must('npm pack', 'npm', packing)).replace(/^[^[{]*/, ''))
const { filename } = Array.isArray(packed) ? packed[0] : packed.holdfast
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
const quiet = ['--no-audit', '--no-fund']
await must('npm install', 'npm', ['install', ...quiet, '--prefix', folder, join(folder, filename)])
if (!existsSync(join(home, 'node_modules'))) await must('npm ci', 'npm', ['ci', ...quiet, '--prefix', home])

const nodes = [
  ...(values.others ? [] : [process.execPath]),
  ...[22, 24, 26].map(n => join(home, `node_modules/node${n}/bin/node`)),
]
const tests =
  positionals.length > 0
    ? positionals
    : ['test/e2e/wait', 'test/e2e/test-verb', 'test/e2e/output', 'test/e2e/examples']
let failed = 0
for (const node of nodes) {
  const version = (await must(node, node, ['--version'])).trim()
  const script = join(folder, 'library.js')
  writeFileSync(script, LIBRARY)
  const library = await run(node, [script])
  const env = {
    NO_COLOR: '1',
    HOLDFAST_TEST_NODE: node,
    HOLDFAST_TEST_ENTRY: join(folder, 'node_modules/holdfast/dist/cli.cjs'),
  }
  const whole = await run(tool('vitest'), ['run', '--project', 'whole', ...tests], { env })
  const [, count = 'no tests'] = /Tests\s+(.*)/.exec(whole.output) ?? []
  const ok = library.status === 0 && whole.status === 0
  if (!ok) failed++
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${version.padEnd(10)} ${seconds(library.ms + whole.ms)}  ${count}`)
  if (library.status !== 0) console.log(library.output)
  if (whole.status !== 0) console.log(whole.output)
}
process.exitCode = failed > 0 ? 1 : 0
