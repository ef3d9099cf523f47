import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { removeStaleRoots } from './cleanup.js'
import { belongings, leftSince } from './leaks.js'
import { isAlive, readProcess, untilDead } from './proc.js'
import { killLeftovers, startServer } from './process.js'
import { freePort, serverUser, tempFolder } from './root.js'
import { run, runOk } from './run.js'

const startTime = (pid: number | undefined) => readProcess(pid ?? 0)?.startTime

const sleeper = (name: string, script = 'sleep 600 & sleep 600 & echo up; wait') =>
  startServer({ name, command: 'sh', args: ['-c', script], ready: /up/ })

test('a server runs as an unprivileged user and its log is there at once', async () => {
  const server = await sleeper('a sleeper', 'id -u; echo up; exec sleep 600')
  const uid = serverUser()?.uid ?? process.getuid?.()
  expect(server.log()).toBe(`${uid}\nup\n`)
  expect(statSync(`/proc/${server.pid}`).uid).toBe(uid)
  expect(await server.stop()).toEqual({ status: null, signal: 'SIGTERM' })
  expect(isAlive(server.pid)).toBe(false)
})

test('a server that ends before it is ready says what it logged', async () => {
  const start = startServer({
    name: 'a fool',
    command: 'sh',
    args: ['-c', 'echo no port; exit 3'],
    ready: /up/,
  })
  await expect(start).rejects.toThrow(/a fool ended before it logged \/up\/.*\nno port/s)
})

test('one that does not listen to its signal is killed, and that is said', async () => {
  const server = await sleeper('a stubborn one', 'trap "" TERM; echo up; while :; do sleep 600; done')
  await expect(server.stop('SIGTERM', 50)).rejects.toThrow(/did not end within 50 ms of SIGTERM/)
  expect(isAlive(server.pid)).toBe(false)
})

test('kill takes the descendants too, and a zombie is dead', async () => {
  const server = await sleeper('a parent')
  const children = belongings({ pid: server.pid }).children
  expect(children).toHaveLength(2)
  await server.kill()
  expect(children.filter(pid => isAlive(pid))).toEqual([])
  const parent = spawn('perl', ['-e', '$| = 1; my $it = fork; exit if !$it; print $it; sleep'])
  const pid = Number(await new Promise(resolve => parent.stdout.once('data', resolve)))
  await untilDead([pid])
  expect(existsSync(`/proc/${pid}`)).toBe(true)
  expect(isAlive(pid)).toBe(false)
  parent.kill('SIGKILL')
  await new Promise(resolve => parent.once('exit', resolve))
  await expect(untilDead([process.pid], 10)).rejects.toThrow(/still alive after 10 ms/)
})

test('a server dies with the process that started it', async () => {
  const script = `import { spawn } from 'node:child_process'
    const it = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'sleep', '600'], { stdio: 'ignore', detached: true })
    console.log(it.pid)
    setTimeout(() => process.exit(), 20)`
  const pid = Number(await runOk(process.execPath, ['--input-type=module', '-e', script]))
  await untilDead([pid])
})

test('leftovers of a run are found by note and by folder, and killed', async () => {
  const root = tempFolder('run')
  mkdirSync(join(root, 'started'))
  const noted = spawn('sleep', ['600'])
  const stray = spawn('sleep', ['601'], { cwd: root })
  writeFileSync(join(root, 'started', `${noted.pid}-${startTime(noted.pid)}`), 'forgotten')
  expect(await killLeftovers(root)).toEqual([
    `forgotten, pid ${noted.pid} (was alive)`,
    `pid ${stray.pid} (was alive): sleep 601`,
  ])
})

test('the root of a run that is dead goes, that of a living one stays', async () => {
  const folder = tempFolder()
  for (const [name, owner] of Object.entries({
    dead: '1-1',
    alive: `${process.pid}-${startTime(process.pid)}`,
  })) {
    mkdirSync(join(folder, `hf-run-${name}`))
    writeFileSync(join(folder, `hf-run-${name}`, 'owner'), owner)
  }
  await removeStaleRoots([folder])
  expect(readdirSync(folder)).toEqual(['hf-run-alive'])
})

test('ports are different and free', async () => {
  const ports = await Promise.all(Array.from({ length: 20 }, freePort))
  expect(new Set(ports).size).toBe(20)
  const server = createServer().listen(ports[0], '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  await new Promise(resolve => server.close(resolve))
})

test('a program that runs too long is killed with its children', async () => {
  const result = await run('sh', ['-c', 'sleep 600 & sleep 600'], { timeoutMs: 50 })
  expect(result).toMatchObject({ status: null, signal: 'SIGKILL' })
  await expect(runOk('sh', ['-c', 'echo why >&2; exit 3'])).rejects.toThrow('sh ended with 3: why')
})

test('whatever is left is named: handles, processes, ports, files', async () => {
  const temp = { folder: tempFolder(), prefix: 'holdfast-' }
  const before = belongings({ temp })
  expect(await leftSince(before)).toEqual([])
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  writeFileSync(join(temp.folder, 'holdfast-1'), '')
  writeFileSync(join(temp.folder, 'other'), '')
  const address = server.address() as { port: number }
  expect(await leftSince(before, 0)).toEqual([
    '1 × ProcessWrap',
    '1 × TCPServerWrap',
    `process ${child.pid}: sleep 600`,
    `listening on port ${address.port}`,
    join(temp.folder, 'holdfast-1'),
  ])
  server.close()
  child.kill()
  rmSync(join(temp.folder, 'holdfast-1'))
  expect(await leftSince(before)).toEqual([])
})
