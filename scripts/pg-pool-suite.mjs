/**
 * `npm run pg-pool-suite -- CHECKOUT`: the tests of pg-pool itself, of a checkout of node-postgres
 * (git clone https://github.com/brianc/node-postgres), against pools of holdfast/pg and a PostgreSQL of its own. What is
 * known to differ is in docs/client-differences.md; exit 1 when anything else fails, or a test named there passes.
 * Tests that fail on pg-pool here, too, say nothing. mocha and its companions are installed into a temporary folder.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { createJiti } from 'jiti'
import { run } from './run.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const TOOLS = ['mocha@11', 'expect.js@0.3', 'co@4', 'lodash@4', 'bluebird@3']

/** Ours as their tests make it: by PG* and pg-pool's names of options; without TLS, and with one attempt to connect, as pg-pool. */
const OURS = `
import { createPool } from './src/client/pg.ts'
export default class {
  constructor({ host, port, connectionString, poolSize, connectionTimeoutMillis, ...rest } = {}) {
    const { PGUSER, PGPASSWORD, PGHOST, PGPORT, PGDATABASE } = process.env
    const url = \`postgres://\${PGUSER}:\${encodeURIComponent(PGPASSWORD)}@\${host ?? PGHOST}:\${port ?? PGPORT}/\${PGDATABASE}?sslmode=disable\`
    const times = connectionTimeoutMillis && {
      acquireTimeoutMillis: connectionTimeoutMillis,
      connectTimeoutMillis: connectionTimeoutMillis,
    }
    return createPool(connectionString ?? url, { connectAttempts: 1, ...(poolSize && { max: poolSize }), ...times, ...rest })
  }
}`

async function prepared(name, checkout, tools) {
  const folder = join(tools, name)
  cpSync(join(checkout, 'packages/pg-pool/test'), join(folder, 'test'), { recursive: true })
  if (name === 'pg-pool')
    writeFileSync(join(folder, 'index.js'), `module.exports = require(${JSON.stringify(peer('pg-pool'))})`)
  else
    await build({
      stdin: { contents: OURS, resolveDir: root, loader: 'ts' },
      outfile: join(folder, 'index.js'),
      bundle: true,
      platform: 'node',
      format: 'cjs',
      packages: 'external',
      footer: { js: 'module.exports = module.exports.default' },
    })
  return folder
}

const peer = name => createRequire(join(root, 'package.json')).resolve(name)

/** The tests of a file by mocha's report, or undefined where the process ended before it. */
async function mocha(folder, file, env, only = []) {
  const report = join(folder, 'report.json')
  rmSync(report, { force: true })
  const program = join(folder, '../node_modules/mocha/bin/mocha.js')
  const options = ['--exit', '--no-config', '--timeout', '5000', '--reporter', 'json']
  const files = [join(folder, 'test/setup.js'), join(folder, 'test', file)]
  const args = [program, ...options, '--reporter-option', `output=${report}`, ...only, ...files]
  const { output } = await run(process.execPath, args, { env })
  try {
    const { tests } = JSON.parse(readFileSync(report, 'utf8'))
    return tests.map(({ fullTitle, err }) => ({ file, title: fullTitle, error: err.message }))
  } catch {
    const error = /^(\w*Error|unhandledRejection|warning)\b.*/m.exec(output)?.[0] ?? output.trim().slice(-200)
    return only.length > 0 ? [{ file, title: only[1], error: `the process ended: ${error}` }] : undefined
  }
}

/**
 * `{ file, title, error }` of every test. A file has a process of its own, as some change pg itself; where that ends
 * early, each test of `known` has.
 */
async function results(folder, env, known = []) {
  const all = []
  for (const file of readdirSync(join(folder, 'test')).sort()) {
    if (['setup.js', 'idle-timeout-exit.js'].includes(file)) continue
    const whole = await mocha(folder, file, env)
    all.push(...(whole ?? []))
    if (whole) continue
    for (const { title } of known.filter(test => test.file === file))
      all.push(...(await mocha(folder, file, env, ['--fgrep', title])).filter(test => test.title === title))
  }
  return all
}

/** The first column of the table, without its backticks; one that ends in … stands for all that begin so. */
function known() {
  const text = readFileSync(join(root, 'docs/client-differences.md'), 'utf8')
  return [...text.matchAll(/^\| `([^`]+)` \|/gm)].map(([, title]) => title)
}
const isNamed = (title, names) =>
  names.find(name => (name.endsWith('…') ? title.startsWith(name.slice(0, -1)) : title === name))

const checkout = process.argv[2]
if (!checkout) {
  console.error('Name a checkout of node-postgres: npm run pg-pool-suite -- PATH')
  process.exit(64)
}
const tools = mkdtempSync(join(tmpdir(), 'holdfast-pg-pool-'))
const { startPostgres } = await createJiti(import.meta.url).import('../test/support/postgres.ts')
const server = await startPostgres()
try {
  const { status, output } = await run('npm', [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefix',
    tools,
    ...TOOLS,
  ])
  if (status !== 0) throw new Error(output)
  for (const name of ['pg', 'pg-pool', 'pg-cursor', 'cockatiel'])
    symlinkSync(join(root, 'node_modules', name), join(tools, 'node_modules', name))
  const { user, password, host, port, database } = server
  const env = { PGUSER: user, PGPASSWORD: password, PGHOST: host, PGPORT: String(port), PGDATABASE: database }
  const theirs = await results(await prepared('pg-pool', checkout, tools), env)
  const ours = await results(await prepared('holdfast', checkout, tools), env, theirs)
  const failing = new Set(theirs.filter(({ error }) => error).map(({ title }) => title))
  const names = known()
  const said = ours.filter(({ title }) => !failing.has(title))
  const failed = said.filter(({ error }) => error)
  const unexpected = failed.filter(({ title }) => !isNamed(title, names))
  const used = new Set(failed.map(({ title }) => isNamed(title, names)))
  const idle = names.filter(name => !used.has(name))
  console.log(
    `pg-pool: ${theirs.length - failing.size} of ${theirs.length} pass; of these ours: ${said.length - failed.length}`,
  )
  for (const { title, error } of failed)
    console.log(`${isNamed(title, names) ? 'known ' : 'FAILED'} ${title}\n       ${error.slice(0, 160)}`)
  for (const name of idle) console.log(`PASSES, though docs/client-differences.md names it: ${name}`)
  if (unexpected.length + idle.length > 0) process.exitCode = 1
} finally {
  await server.remove()
  rmSync(tools, { recursive: true, force: true })
}
