/**
 * `npm run bench [-- NAME...] [--write]`: every figure in bench/figures, one after another, against the peers in the
 * same run. `--write` puts them into BENCHMARKS.md.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { document, print } from './report.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean', default: false } },
})
const root = fileURLToPath(new URL('..', import.meta.url))
const cli = `${root}dist/cli.cjs`
if (!existsSync(cli)) {
  console.error('There is no dist/cli.cjs. Run: npm run build')
  process.exit(1)
}
const peers = `${root}bench/peers`
if (!existsSync(`${peers}/node_modules`))
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--prefix', peers], { stdio: ['ignore', 2, 2] })

// A file of authorities makes every start of Node three times as long, and is no part of any program here.
delete process.env.NODE_EXTRA_CA_CERTS

const files = readdirSync(new URL('figures', import.meta.url)).sort()
const chosen = files.filter(file => positionals.length === 0 || positionals.some(name => file.includes(name)))
if (chosen.length === 0) {
  console.error(`No figure is called ${positionals.join(' or ')}. There are: ${files.join(', ')}`)
  process.exit(2)
}
const results = []
for (const file of chosen) {
  const { measure } = await import(`./figures/${file}`)
  const result = await measure({ cli, root, peers })
  print(result)
  results.push(result)
}
if (values.write) {
  if (chosen.length < files.length) {
    console.error('--write takes every figure: leave the names out')
    process.exit(2)
  }
  writeFileSync(`${root}BENCHMARKS.md`, document(results))
  console.log('\nwritten to BENCHMARKS.md')
}
