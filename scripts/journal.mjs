/**
 * `npm run journal [-- RECORDS]`: 8 processes append RECORDS records each (10000 by default) to a journal and are killed
 * by SIGKILL on the way, first in a file, then in PostgreSQL where one is named. Exit 1 when a single record that was
 * kept is not there.
 *
 *   --processes N   default 8
 *   --kills N       of each process, default 10
 *   --url URL       a PostgreSQL to use; without it the one that `holdfast test` gives
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    processes: { type: 'string', default: '8' },
    kills: { type: 'string', default: '10' },
    url: { type: 'string' },
  },
})
const records = Number(positionals[0] ?? 10_000)

if (!values.url && !process.env.HOLDFAST_TARGET_POSTGRES) {
  const again = [process.execPath, ...process.argv.slice(1)]
  const cli = new URL('../dist/cli.cjs', import.meta.url).pathname
  const { status } = spawnSync(
    process.execPath,
    [cli, 'test', '--service', 'postgres', '-q', '--', ...again],
    {
      stdio: 'inherit',
    },
  )
  process.exit(status ?? 1)
}

const { torture } = await createJiti(import.meta.url).import('../test/journal/torture.ts')
const temp = mkdtempSync(join(tmpdir(), 'holdfast-ordeal-'))
try {
  const places = { file: join(temp, 'journal'), postgres: values.url ?? process.env.DATABASE_URL }
  for (const [name, where] of Object.entries(places)) {
    if (!where) continue
    const options = { processes: Number(values.processes), kills: Number(values.kills), records }
    const { told, ms, ...end } = await torture({ ...options, where, temp })
    console.log(`${name}: ${JSON.stringify(end)} in ${(ms / 1000).toFixed(1)} s${told && `\n${told}`}`)
    if (end.lost > 0) process.exitCode = 1
  }
} finally {
  rmSync(temp, { recursive: true, force: true })
}
