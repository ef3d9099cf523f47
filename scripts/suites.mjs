/**
 * `npm run suites [-- FILES]`: runs a suite of so many files (50 by default) with each test runner, in each of the ways
 * that test/suites/ways.ts lists, and prints what became of it. Exit 1 when a single promise was not kept.
 *
 *   --only TEXT   runners whose name holds it
 */
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { run, seconds } from './run.mjs'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } })
const files = Number(positionals[0] ?? 50)

const built = await run(process.execPath, ['scripts/build.mjs', '--no-types'])
if (built.status !== 0) {
  console.error(built.output)
  process.exit(1)
}
const jiti = createJiti(import.meta.url)
const [{ RUNNERS }, { WAYS }, { play }, { broken }, { startPostgres }] = await Promise.all(
  ['suites/all', 'suites/ways', 'suites/play', 'suites/promise', 'support/postgres'].map(name =>
    jiti.import(`../test/${name}.ts`),
  ),
)
const runners = RUNNERS.filter(({ name }) => name.includes(values.only ?? ''))
if (runners.length === 0) {
  console.error(`no runner is called "${values.only}"`)
  process.exit(64)
}

const HEAD = [
  'runner',
  'way',
  'passed',
  'failed',
  'skipped',
  'status',
  'time',
  'probes',
  'refused',
  'sessions',
]
const widths = [10, 22, 6, 6, 7, 6, 7, 6, 7, 8]
const line = cells =>
  cells.map((cell, i) => (i > 1 ? String(cell).padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')

const begun = performance.now()
console.log(`${files} files each\n${line(HEAD)}`)
const server = await startPostgres()
try {
  for (const runner of runners)
    for (const way of WAYS) {
      const played = await play(runner, way, files, server)
      const { passed, failed, skipped, status, ms, probes, refused, sessions } = played
      console.log(
        line([
          runner.name,
          way.name,
          passed,
          failed,
          skipped,
          status,
          seconds(ms),
          probes,
          refused,
          sessions,
        ]),
      )
      const wrong = broken(runner, way, files, played)
      if (wrong.length === 0) continue
      process.exitCode = 1
      console.log(`FAILED ${wrong.join('; ')}\n${played.output.trim().slice(-2_000)}`)
    }
} finally {
  await server.remove()
}
process.stdout.write(`${seconds(performance.now() - begun)}\n`, () => process.exit())
