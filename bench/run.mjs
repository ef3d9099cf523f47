// `npm run bench`: every figure in bench/figures, one after another, each with a PostgreSQL that holdfast lends it.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const cli = `${root}dist/cli.cjs`
if (!existsSync(cli)) {
  console.error('There is no dist/cli.cjs. Run: npm run build')
  process.exit(1)
}
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const names = process.argv.slice(2)
for (const file of readdirSync(new URL('figures', import.meta.url)).sort()) {
  if (names.length > 0 && !names.some(name => file.includes(name))) continue
  const run = ['test', '-q', '--', process.execPath, `${root}bench/figures/${file}`, cli]
  const { status } = spawnSync(process.execPath, [cli, ...run], { stdio: 'inherit', env, cwd: root })
  if (status !== 0) process.exit(status ?? 1)
}
