/** Stand-ins that a configuration chooses, and a run without any network. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast, holdfastCommand, spawnHoldfast } from '../support/cli.js'
import { startEngine } from '../support/engine.js'
import { runInNetns } from '../support/netns.js'
import { descendants, untilDead } from '../support/proc.js'
import { freePort, tempFolder } from '../support/root.js'

const ROWS = fileURLToPath(new URL('../../examples/rows/rows.mjs', import.meta.url))

/** A folder with a configuration for PostgreSQL's stand-ins. */
function project(postgres: object): string {
  const folder = tempFolder('project')
  writeFileSync(join(folder, 'holdfast.config.json'), JSON.stringify({ test: { service: { postgres } } }))
  return folder
}

/** Writes and reads by Python's library, and prints where, and what else names a database. */
const PYTHON = [
  '/usr/bin/python3',
  '-c',
  `import json, os, sqlite3
path = os.environ['DATABASE_URL'].removeprefix('sqlite:///')
db = sqlite3.connect(path)
db.execute('CREATE TABLE visit (who)')
db.execute("INSERT INTO visit VALUES ('ada'), ('grace')")
named = sorted(name for name in os.environ if name.startswith(('PG', 'DB_')))
rows = db.execute('SELECT count(*) FROM visit').fetchone()[0]
print(json.dumps([path, rows, named, os.environ['HOLDFAST_TARGET_POSTGRES']]))`,
]

test('SQLite stands in only where it is named, as a file in the variable that named the database', async () => {
  const env = { PGHOST: '127.0.0.1', PGPORT: String(await freePort()), PGUSER: 'app', PGDATABASE: 'app' }
  const args = ['test', '--json', '--', ...PYTHON]
  const { status, stdout, stderr } = await holdfast(args, { env, cwd: project({ rungs: ['sqlite'] }) })
  expect(status, stderr).toBe(0)
  const end = stdout.trimEnd().lastIndexOf('\n')
  const [document, said] = [JSON.parse(stdout.slice(0, end)), JSON.parse(stdout.slice(end))]
  expect(document.decisions).toMatchObject([{ decision: 'stand-in', with: 'sqlite', service: 'postgres' }])
  expect(document.targets).toEqual([])
  const [path, ...rest] = said
  expect(rest).toEqual([2, [], 'stand-in'])
  expect(existsSync(path)).toBe(false)
  const usual = await holdfast(['test', '--', 'sh', '-c', 'echo "$DATABASE_URL"'], {
    env: { HOLDFAST_STANDIN: 'sqlite' },
  })
  expect(usual.stdout).toBe('\n')
  expect(usual.stderr).not.toContain('SQLite')
})

test('SIGKILL of holdfast removes the file of SQLite', async () => {
  const command = ['test', '--', 'sh', '-c', 'echo "$DATABASE_URL"; exec sleep 60']
  const run = spawnHoldfast(command, { cwd: project({ rungs: ['sqlite'] }) })
  const [, path = ''] = await run.waitForStdout(/sqlite:\/\/(\/.+)\n/)
  const all = descendants(run.pid)
  expect(existsSync(path)).toBe(true)
  run.kill('SIGKILL')
  await untilDead(all, 3_000)
  expect(existsSync(path)).toBe(false)
})

test('a configured image comes before the programs of the system, and is pulled with a word', async () => {
  const engine = await startEngine()
  onTestFinished(() => engine.close())
  const options = { env: engine.env, cwd: project({ image: 'postgres:15' }) }
  const { status, stderr } = await holdfast(['test', '--', process.execPath, ROWS], options)
  expect(status, stderr).toBe(0)
  expect(stderr).toContain('holdfast: docker pulls postgres:15, which is not here yet\n')
  expect(stderr).toMatch(/PostgreSQL \d+\.\d+ \(docker, postgres:15\) stands in\. Started/)
  expect(engine.containers).toEqual([])
})

test('without any network a suite passes on a stand-in', async () => {
  const variables = { HOLDFAST_OFFLINE: '1', DATABASE_URL: 'postgres://app:longpassword@db.example.com/app' }
  const { command, env, cwd } = holdfastCommand(['test', '--', process.execPath, ROWS], { env: variables })
  const { status, stdout, stderr } = await runInNetns(command, { env, cwd, timeoutMs: 60_000 })
  expect(status, stderr).toBe(0)
  expect(stdout).toContain('wrote and read 2 rows on PostgreSQL')
  expect(stderr).toContain('stands in')
})
