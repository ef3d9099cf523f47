import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type CliOptions, holdfast, holdfastCommand, spawnHoldfast } from './cli.js'
import { runInNetns } from './netns.js'
import { isAlive } from './proc.js'
import { tempFolder } from './root.js'

/** A stand-in for the built command line. */
function entry(body: string): Pick<CliOptions, 'entry'> {
  const path = join(tempFolder('entry'), 'cli.mjs')
  writeFileSync(path, body)
  return { entry: path }
}

const ECHO = entry(`
  const chunks = []
  for await (const chunk of process.stdin) chunks.push(chunk)
  const { env, argv, stdout, stderr, stdin } = process
  console.error('for people')
  console.log(JSON.stringify({ args: argv.slice(2), env: Object.keys(env).sort(), input: chunks.join(''),
    tty: [stdin, stdout, stderr].map(it => it.isTTY === true), cwd: process.cwd(), columns: stdout.columns }))
  process.exitCode = 78
`)

test('arguments, input, output, status, and an environment that is empty but for the plainest', async () => {
  const result = await holdfast(['wait', 'a b'], { ...ECHO, input: 'hi', env: { DATABASE_URL: 'x' } })
  expect(result).toMatchObject({ status: 78, signal: null, stderr: 'for people\n' })
  const seen = result.json<{ cwd: string }>()
  expect(seen).toMatchObject({ args: ['wait', 'a b'], input: 'hi', tty: [false, false, false] })
  expect(seen).toMatchObject({ env: ['DATABASE_URL', 'HOME', 'LANG', 'PATH', 'TMPDIR', 'TZ'] })
  expect(seen.cwd).toMatch(/\/cwd-/)
})

test('a terminal for all streams, or for one', async () => {
  const all = await holdfast(["it's", '$HOME'], { ...ECHO, tty: true })
  expect(all.status).toBe(78)
  const json = JSON.parse(/\{.*\}/.exec(all.stdout)?.[0] ?? '') as unknown
  expect(json).toMatchObject({ tty: [true, true, true], args: ["it's", '$HOME'], columns: 100 })
  const out = await holdfast([], { ...ECHO, tty: 'stdout' })
  expect([out.stdout.includes('"tty":[true,true,false]'), out.stderr]).toEqual([true, 'for people\n'])
  const err = await holdfast([], { ...ECHO, tty: 'stderr' })
  expect(err.json()).toMatchObject({ tty: [true, false, true] })
  expect(err.stderr).toContain('for people\r\n')
})

const STAYS = entry(`
  process.on('SIGINT', () => { console.error('got SIGINT'); process.exit(130) })
  console.error('waiting'); console.log('out'); setInterval(() => {}, 1000); process.stdin.resume()
`)

test('a running program is waited for, told things and signalled', async () => {
  const running = spawnHoldfast([], STAYS)
  await running.waitForStderr(/waiting/)
  await running.waitForStdout(/out/)
  await expect(running.waitForStdout(/never/, 20)).rejects.toThrow(/ran 20 ms without \/never\//)
  running.kill('SIGINT')
  await running.waitForStderr(/got SIGINT/)
  expect(await running.ended).toEqual({ status: 130, signal: null })
  expect(await running.exited).toMatchObject({ status: 130, stdout: 'out\n' })
  await expect(running.waitForStderr(/never/)).rejects.toThrow(/ended without/)
  expect([running.stdout(), running.stderr(), isAlive(running.pid)]).toEqual([
    'out\n',
    'waiting\ngot SIGINT\n',
    false,
  ])
  const grouped = spawnHoldfast([], STAYS)
  await grouped.waitForStderr(/waiting/)
  grouped.killGroup('SIGKILL')
  expect(await grouped.exited).toMatchObject({ status: null, signal: 'SIGKILL' })
})

test('Ctrl-C on a terminal', async () => {
  const running = spawnHoldfast([], { ...STAYS, tty: true })
  await running.waitForStdout(/waiting/)
  running.write('\x03')
  expect((await running.exited).status).toBe(130)
})

test('one that runs too long is killed', async () => {
  const runs = [false, true].map(tty => holdfast([], { ...STAYS, tty, timeoutMs: 300 }))
  for (const result of await Promise.all(runs)) expect(result).toMatchObject({ signal: 'SIGKILL' })
})

test('its input can be closed later, and it can run in a network of its own', async () => {
  const running = spawnHoldfast([], ECHO)
  running.write('late')
  running.closeInput()
  expect((await running.exited).json()).toMatchObject({ input: 'late' })
  const { command, env, cwd } = holdfastCommand(['x'], ECHO)
  const inside = await runInNetns(command, { env, cwd })
  expect(JSON.parse(inside.stdout)).toMatchObject({ args: ['x'], cwd })
})
