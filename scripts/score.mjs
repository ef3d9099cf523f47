// `npm run score [-- FILE]`: how many recorded errors of drivers `classify` names as the fault asks, without and
// with the phase. Lists each miss; ends with 1 below 97 %.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const LEAST = 0.97

const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))

const { outputFiles } = await build({
  entryPoints: [at('test/support/faults.ts')],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
})
const code = Buffer.from(outputFiles[0].contents).toString('base64')
const { identityOf, readFaults, score } = await import(`data:text/javascript;base64,${code}`)

const faults = readFaults(process.argv[2] ?? at('test/fixtures/faults.ndjson'))
const result = score(faults)

const share = (right, rows) => `${right}/${rows} ${((100 * right) / rows).toFixed(1).padStart(5)} %`
console.log(`${result.rows} rows, ${result.scored} scored\n`)
console.log(`${'driver'.padEnd(13)}${'without a phase'.padEnd(20)}with its phase`)
const total = { rows: 0, without: 0, with: 0 }
for (const [driver, tally] of [...result.drivers].sort()) {
  for (const key of Object.keys(total)) total[key] += tally[key]
  console.log(driver.padEnd(13) + share(tally.without, tally.rows).padEnd(20) + share(tally.with, tally.rows))
}
console.log('all'.padEnd(13) + share(total.without, total.rows).padEnd(20) + share(total.with, total.rows))

const missed = new Set([...result.without, ...result.with].map(({ row }) => row))
for (const row of [...missed].sort((a, b) => a - b)) {
  const fault = faults[row - 1]
  const got = mode => result[mode].find(miss => miss.row === row)?.got ?? 'right'
  console.log(
    `\n${row} ${fault.driver} ${fault.fault} at ${fault.phase}\n  expected ${fault.expected.join(' or ')}` +
      `; without a phase: ${got('without')}; with: ${got('with')}\n  ${identityOf(fault).slice(0, 300)}`,
  )
}
if (total.with / total.rows < LEAST) process.exitCode = 1
