import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { OWNER_RECORD, startTimeOf } from '../../src/io/owner.js'
import { startReaper } from '../../src/io/reaper.js'
import { REAPER_SCRIPT } from '../../src/io/reaper-script.js'
import { commandLine, descendants, isAlive, processesIn, untilDead } from '../support/proc.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { script, start } from './standin-scripts.js'

/** A shell with two sleeping children, which says when it runs. */
async function family(shell = 'sleep 300 & sleep 300 & echo up; wait') {
  const child = spawn('/bin/sh', ['-c', shell], { stdio: ['ignore', 'pipe', 'ignore'] })
  const pid = child.pid ?? 0
  await new Promise(resolve => child.stdout.once('data', resolve))
  const pids = [pid, ...descendants(pid)]
  onTestFinished(() => {
    for (const one of pids) if (isAlive(one)) process.kill(one, 'SIGKILL')
  })
  return { pid, pids }
}

/** Feeds the shell script itself, with lines that the API would not send, and waits for its end. */
const feed = (lines: string[], { platform = process.platform as string, shell = ['/bin/sh'] } = {}) =>
  run(shell[0] ?? '', [...shell.slice(1), '-c', REAPER_SCRIPT, 'reaper', platform, OWNER_RECORD], {
    input: lines.map(line => `${line}\n`).join(''),
  })

const ownedDirectory = () => {
  const dir = mkdtempSync(join(tempFolder(), 'holdfast-'))
  writeFileSync(join(dir, 'content'), '')
  return dir
}

const PARENT = `
  import { spawn } from 'node:child_process'
  import { mkdtempSync } from 'node:fs'
  import { join } from 'node:path'
  import { startReaper } from './src/io/reaper.js'
  const reaper = startReaper()
  const dir = mkdtempSync(join(process.env.FOLDER, 'holdfast-'))
  reaper.own(dir)
  const child = spawn('/bin/sh', ['-c', process.env.SHELL_CODE], { stdio: ['ignore', 'pipe', 'ignore'] })
  reaper.watch(child.pid, 'tree')
  child.stdout.once('data', () => console.log(JSON.stringify({ dir, pid: child.pid })))
`

async function parent(shellCode: string) {
  const running = start(await script(PARENT), { env: { FOLDER: tempFolder(), SHELL_CODE: shellCode } })
  const { dir, pid } = (await running.said) as { dir: string; pid: number }
  const pids = [pid, ...descendants(pid)]
  const reaper = descendants(running.pid).find(one => commandLine(one).includes('holdfast-reaper')) ?? 0
  return { running, dir, pids, reaper }
}

test('SIGKILL of the parent ends its whole tree and removes its directory', async () => {
  const { running, dir, pids, reaper } = await parent('(sleep 300 & sleep 300 & echo up; wait) & wait')
  expect(pids.length).toBeGreaterThanOrEqual(4)
  await running.kill()
  await untilDead([...pids, reaper], 3_000)
  expect(existsSync(dir)).toBe(false)
})

test('what ignores TERM is killed within two seconds, children included', async () => {
  const { running, pids, reaper } = await parent(
    `trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo up; wait; wait`,
  )
  const began = performance.now()
  await running.kill()
  await untilDead([...pids, reaper], 3_000)
  expect(performance.now() - began).toBeLessThan(2_500)
})

test('a child that is born while its parent is being ended does not escape', async () => {
  const marker = tempFolder('marker')
  const late = `trap 'cd ${marker}; (trap "" TERM; sleep 300) & sleep 300' TERM; echo up; while :; do sleep 0.01; done`
  const { running, pids, reaper } = await parent(late)
  await running.kill()
  await untilDead([...pids, reaper], 3_500)
  expect(processesIn(marker)).toEqual([])
})

test('a stopped process is woken, so that it can end in its own way', async () => {
  const said = join(tempFolder(), 'said')
  const { running, pids, reaper } = await parent(
    `trap 'echo bye > ${said}; exit' TERM; echo up; sleep 300 & wait`,
  )
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  await running.kill()
  await untilDead([...pids, reaper], 3_000)
  expect(existsSync(said)).toBe(true)
})

test('signals that a terminal sends do not end it', async () => {
  const { running, dir, pids, reaper } = await parent('sleep 300 & echo up; wait')
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.kill(reaper, signal)
  await running.kill()
  await untilDead([...pids, reaper], 3_000)
  expect(existsSync(dir)).toBe(false)
})

test('it holds nothing of the terminal: neither standard streams nor the session', async () => {
  const { running, reaper } = await parent('echo up; sleep 300')
  expect(readlinkSync(`/proc/${reaper}/fd/1`)).toBe('/dev/null')
  expect(readlinkSync(`/proc/${reaper}/fd/2`)).toBe('/dev/null')
  expect(readlinkSync(`/proc/${reaper}/fd/0`)).not.toBe(readlinkSync(`/proc/${running.pid}/fd/0`))
  expect(readlinkSync(`/proc/${reaper}/cwd`)).toBe('/')
  const { stdout } = await run('ps', ['-o', 'sid=', '-p', `${reaper}`])
  expect(Number(stdout)).toBe(reaper)
})

test('it does not keep its parent alive', async () => {
  const file = await script(`
    import { startReaper } from './src/io/reaper.js'
    const reaper = startReaper()
    reaper.watch(process.ppid, 'tree')
    reaper.release(process.ppid)
  `)
  expect(await run(process.execPath, [file], { timeoutMs: 10_000 })).toMatchObject({ status: 0, stderr: '' })
})

test('close ends what is registered and leaves what was released', async () => {
  const [ended, kept] = [await family(), await family()]
  const [removed, spared] = [ownedDirectory(), ownedDirectory()]
  const reaper = startReaper()
  for (const { pid } of [ended, kept]) reaper.watch(pid, 'tree')
  for (const dir of [removed, spared]) reaper.own(dir)
  reaper.release(kept.pid)
  reaper.release(spared)
  await reaper.close()
  expect(ended.pids.filter(pid => isAlive(pid))).toEqual([])
  expect(kept.pids.every(pid => isAlive(pid))).toBe(true)
  expect([removed, spared].map(dir => existsSync(dir))).toEqual([false, true])
})

test('closing twice, and when nothing was registered, is quick and harmless', async () => {
  const reaper = startReaper()
  await Promise.all([reaper.close(), reaper.close()])
  await reaper.close()
})

test('it never stops itself, even where it descends from what it ends', async () => {
  const file = await script(`
    import { startReaper } from './src/io/reaper.js'
    process.on('SIGTERM', () => {})
    const reaper = startReaper()
    reaper.watch(process.pid, 'tree')
    console.log('{}')
    process.once('SIGUSR2', () => reaper.close())
    setInterval(() => {}, 1000)
  `)
  const running = start(file)
  await running.said
  const family = [running.pid, ...descendants(running.pid)]
  expect(family).toHaveLength(2)
  process.kill(running.pid, 'SIGUSR2')
  await untilDead(family, 4_000)
})

test('a process id that was used again is not signalled', async () => {
  const { pid, pids } = await family()
  await feed([`tree ${pid} 12345`, `postgres ${pid} 12345`])
  expect(pids.every(one => isAlive(one))).toBe(true)
  await feed([`tree ${pid} ${startTimeOf(pid)}`])
  expect(pids.filter(one => isAlive(one))).toEqual([])
})

test('systems without /proc are served by ps and pgrep', async () => {
  const { pid, pids } = await family('(sleep 300 & sleep 300 & echo up; wait) & wait')
  const lstart = (await run('ps', ['-o', 'lstart=', '-p', `${pid}`])).stdout.trim().split(/\s+/).join(' ')
  await feed([`tree ${pid} Mon Jan 1 00:00:00 2001`], { platform: 'darwin' })
  expect(pids.every(one => isAlive(one))).toBe(true)
  await feed([`tree ${pid} ${lstart}`], { platform: 'darwin' })
  expect(pids.length).toBe(4)
  expect(pids.filter(one => isAlive(one))).toEqual([])
})

// --norc, because bash reads ~/.bashrc where its input is a socket, unless it is called sh.
test.for(['bash --norc --posix', 'busybox sh', 'dash'])(
  'the script means the same to %s',
  async (words, ctx) => {
    const shell = words.split(' ')
    const { status } = await run('/bin/sh', ['-c', `command -v ${shell[0]}`])
    if (status !== 0) ctx.skip(`platform: no ${shell[0]} here`)
    const { pid, pids } = await family(`trap '' TERM; (trap '' TERM; sleep 300) & echo up; wait; wait`)
    const dir = ownedDirectory()
    writeFileSync(join(dir, OWNER_RECORD), '{}')
    await feed([`tree ${pid} ${startTimeOf(pid)}`, `dir ${dir}`, 'dir /x', 'free dir /x'], { shell })
    expect(pids.filter(one => isAlive(one))).toEqual([])
    expect(existsSync(dir)).toBe(false)
  },
)

test('only directories that holdfast made are removed', async () => {
  const base = tempFolder()
  const foreignName = join(base, 'data')
  const noRecord = join(base, 'holdfast-data')
  const behindLink = join(base, 'holdfast-link')
  for (const dir of [foreignName, noRecord]) mkdirSync(dir)
  writeFileSync(join(foreignName, OWNER_RECORD), '{}')
  symlinkSync(foreignName, behindLink)
  await feed([`dir ${foreignName}`, `dir ${noRecord}`, `dir ${behindLink}`])
  expect([foreignName, noRecord, behindLink].map(dir => existsSync(join(dir)))).toEqual([true, true, true])
})

test('directories with spaces and shell characters in their names are removed, and nothing else', async () => {
  const base = tempFolder()
  const reaper = startReaper()
  const odd = [`holdfast-a b`, `holdfast-*`, `holdfast-$HOME`, `holdfast-'"`].map(name => join(base, name))
  const plain = join(base, 'holdfast-plain')
  for (const dir of [...odd, plain]) mkdirSync(dir)
  writeFileSync(join(plain, OWNER_RECORD), '{}')
  for (const dir of odd) reaper.own(dir)
  await reaper.close()
  expect(odd.filter(dir => existsSync(dir))).toEqual([])
  expect(existsSync(plain)).toBe(true)
})

test('own refuses a directory that it could not recognise again', () => {
  const reaper = startReaper()
  onTestFinished(() => reaper.close())
  for (const dir of ['/', tmpdir(), 'holdfast-relative', '/tmp/holdfast-a\nb']) {
    expect(() => reaper.own(dir)).toThrow(/give an absolute path/)
  }
})
