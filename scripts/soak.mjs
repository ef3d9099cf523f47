/**
 * `npm run soak [-- COUNT]`: COUNT queries and transactions (100000 by default) through a pool of holdfast/pg, while its
 * backends are terminated and its connections cut at random. Exit 1 when something that was told is not so, or when
 * memory, handles or listeners grow.
 *
 *   --seed N    the cuts of an earlier run; how they meet the queries is up to the machine
 *   --url URL   a PostgreSQL to use, without TLS; without it the one that `holdfast test` gives
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { seconds } from './run.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, url: { type: 'string' } },
})
const count = Number(positionals[0] ?? 100_000)

/**
 * Of heap, for each operation, by the later half of the samples: more than this is growth. Up to 12 are V8's compiled code and
 * Node's lists of timers, one for each duration until it has passed. Short runs only warm up.
 */
const MOST_BYTES = 24
const LONG = 50_000

if (!values.url && !process.env.HOLDFAST_TARGET_POSTGRES) {
  const cli = new URL('../dist/cli.cjs', import.meta.url).pathname
  const again = ['test', '--service', 'postgres', '-q', '--', process.execPath, ...process.argv.slice(1)]
  const { status } = spawnSync(process.execPath, [cli, ...again], { stdio: 'inherit' })
  process.exit(status ?? 1)
}

const address = new URL(values.url ?? process.env.DATABASE_URL)
address.searchParams.set('sslmode', 'disable')
const jiti = createJiti(import.meta.url)
const { buildProgram, runChild } = await jiti.import('../test/surprises/children.ts')

const folder = mkdtempSync(join(tmpdir(), 'holdfast-soak-'))
try {
  const told = {
    ...{ host: address.hostname, port: Number(address.port || 5432), url: address.href },
    ...{ count, seed: Number(values.seed), rounds: 40 },
  }
  const options = { told, execArgv: ['--expose-gc'], timeoutMs: 2 ** 31 - 1 }
  const { said, stderr } = await runChild(await buildProgram(folder), 'soak', options)
  if (said) report(said)
  else {
    console.error(`it crashed\n${stderr}`)
    process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}

function report({ told, kills, cuts, samples, slope, left, wrong, ms }) {
  console.log(`${count} operations in ${seconds(ms)}, ${kills} backends terminated, ${cuts} connections cut`)
  for (const [what, times] of Object.entries(told).sort(([, a], [, b]) => b - a))
    console.log(`${String(times).padStart(8)}  ${what}`)
  const most = of => Math.max(...samples.map(of))
  const [first, last] = [samples[0], samples.at(-1)]
  const mb = bytes => `${(bytes / 2 ** 20).toFixed(2)} MB`
  console.log(
    `heap ${mb(first.heapBytes)} → ${mb(last.heapBytes)} (at most ${mb(most(it => it.heapBytes))}), ${slope.toFixed(2)} bytes an operation`,
  )
  const at = part => mb(samples[Math.floor((samples.length - 1) * part)].heapBytes)
  console.log(`heap by quarters: ${[0, 0.25, 0.5, 0.75, 1].map(at).join(', ')}`)
  console.log(`handles ${first.handles} → ${last.handles} (at most ${most(it => it.handles)})`)
  console.log(`listeners on one object: ${first.listeners} → ${last.listeners}`)
  const grown = [
    ...(slope > MOST_BYTES && count >= LONG
      ? [`memory grows by ${slope.toFixed(2)} bytes an operation`]
      : []),
    ...(last.listeners > first.listeners ? ['listeners grow'] : []),
    ...(left.length > 0 ? [`left open: ${left.join(', ')}`] : []),
  ]
  for (const line of [...wrong, ...grown]) console.log(`WRONG  ${line}`)
  if (wrong.length + grown.length > 0) process.exitCode = 1
}
