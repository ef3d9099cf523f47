import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type CliOptions, spawnHoldfast } from '../support/cli.js'
import { belongings, leftSince } from '../support/leaks.js'
import { refused } from '../support/peers.js'
import { descendants, isAlive } from '../support/proc.js'
import { tempFolder } from '../support/root.js'
import { sharedRedis } from '../support/shared.js'
import { silencing } from './production.js'

const SCRIPT = fileURLToPath(new URL('../../bin/entrypoint.sh', import.meta.url))
const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url))

/** The shells of Debian's and Alpine's images. */
const SHELLS = ['dash', 'busybox'] as const
type Shell = (typeof SHELLS)[number]

/** A folder with `holdfast` at `place`, a configuration and a shell of that kind. */
function image(shell: Shell, place = 'bin/holdfast') {
  const folder = tempFolder('image')
  const program = join(folder, place)
  mkdirSync(join(program, '..'), { recursive: true })
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${CLI}" "$@"\n`)
  chmodSync(program, 0o755)
  silencing(folder, { targets: { cache: 'env:REDIS_URL' } })
  const sh = join(folder, 'sh')
  symlinkSync(shell === 'dash' ? '/usr/bin/dash' : '/usr/bin/busybox', sh)
  const PATH = '/usr/local/sbin:/usr/sbin:/usr/bin:/bin'
  const env = { PATH: `${join(folder, 'bin')}:${PATH}`, REDIS_URL: sharedRedis().url() }
  return { folder, program, sh, env, PATH }
}

type Image = ReturnType<typeof image>

const enter = ({ folder, sh, env }: Image, args: readonly string[], more: CliOptions['env'] = {}) =>
  spawnHoldfast(args, { node: sh, entry: SCRIPT, cwd: folder, env: { ...env, ...more } })

const absent = async () => {
  const { host, port } = await refused()
  return { REDIS_URL: `redis://${host}:${port}` }
}

/** Says which processes there are, and ends with 7 at TERM. */
const SERVER = [
  process.execPath,
  '-e',
  `process.on('SIGTERM', () => process.exit(7))
   setInterval(() => {}, 1000)
   const all = require('node:fs').readdirSync('/proc').filter(name => /^\\d+$/.test(name))
   console.log('up as ' + process.pid + ' of ' + all)`,
]

describe.each(SHELLS)('under %s', shell => {
  test('COMMAND gets the process id of the entrypoint, its arguments and its status', async () => {
    const cli = enter(image(shell), ['sh', '-c', 'echo "$$ $1"; exit 9', 'sh', 'a  b*'])
    const { status, stdout, stderr } = await cli.exited
    expect({ status, stdout }, stderr).toEqual({ status: 9, stdout: `${cli.pid} a  b*\n` })
    expect(stderr).toMatch(/wait +passed +cache/)
  })

  test('a preflight that fails gives its status, and COMMAND does not run', async () => {
    const cli = enter(image(shell), ['echo', 'RAN'], { ...(await absent()), HOLDFAST_TIMEOUT: '200ms' })
    const { status, stdout } = await cli.exited
    expect({ status, stdout }).toEqual({ status: 69, stdout: '' })
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
    ['SIGQUIT', 131],
  ] as const)('%s during the preflight ends it with %i, and nothing is left', async (signal, wanted) => {
    const cli = enter(image(shell), ['echo', 'RAN'], await absent())
    await cli.waitForStderr(/connection-refused/)
    const before = belongings({ temp: { folder: cli.temp } })
    const started = descendants(cli.pid)
    cli.kill(signal)
    const { status, stdout, stderr } = await cli.exited
    expect({ status, stdout }).toEqual({ status: wanted, stdout: '' })
    expect(stderr).toContain(`interrupted by ${signal}`)
    expect(started.filter(pid => isAlive(pid))).toEqual([])
    expect(await leftSince(before)).toEqual([])
  })

  test('SIGTERM after it reaches COMMAND, whose status is the status', async () => {
    const cli = enter(image(shell), SERVER)
    await cli.waitForStdout(new RegExp(`up as ${cli.pid} `))
    cli.kill('SIGTERM')
    expect((await cli.exited).status).toBe(7)
  })

  test('as process 1 it hears SIGTERM, leaves no other process beside COMMAND, and COMMAND hears it then', async () => {
    const { folder, sh, env } = image(shell)
    const inside = (more: CliOptions['env'], ...command: string[]) =>
      spawnHoldfast(['--fork', '--mount-proc', '--kill-child', sh, SCRIPT, ...command], {
        node: '/usr/bin/unshare',
        entry: '--pid',
        cwd: folder,
        env: { ...env, ...more },
      })
    const first = (pid: number) => process.kill(descendants(pid)[0] as number, 'SIGTERM')
    const waiting = inside(await absent(), 'echo', 'RAN')
    await waiting.waitForStderr(/connection-refused/)
    first(waiting.pid)
    expect(await waiting.exited).toMatchObject({ status: 143, stdout: '' })
    const serving = inside({}, ...SERVER)
    expect((await serving.waitForStdout(/up as (\d+) of (.*)/)).slice(1)).toEqual(['1', '1'])
    first(serving.pid)
    expect((await serving.exited).status).toBe(7)
  })

  test.each([
    ['nope', 127, /nope: not found on PATH/],
    ['./nowhere.sh', 127, /nowhere\.sh: no such file/],
    ['./plain.sh', 126, /plain\.sh: not executable; run chmod \+x/],
    ['plain.sh', 126, /plain\.sh: not executable/],
    ['./bin', 126, /bin: a folder/],
    // Built into shells, and no programs that exec could find.
    ['shift', 127, /shift: not found on PATH/],
  ])('COMMAND %s ends with %i before anything is migrated', async (command, wanted, what) => {
    const made = image(shell)
    writeFileSync(join(made.folder, 'bin/plain.sh'), '#!/bin/sh\n')
    writeFileSync(join(made.folder, 'plain.sh'), '#!/bin/sh\n')
    const { status, stderr } = await enter(made, [command, 'a b'], { HOLDFAST_MIGRATE: 'echo MIGRATED' })
      .exited
    expect(status, stderr).toBe(wanted)
    expect(stderr).toMatch(what)
    expect(stderr).not.toMatch(/MIGRATED|passed/)
  })

  test('holdfast as COMMAND is run as it is', async () => {
    const cli = enter(image(shell), ['holdfast', 'run', '--validate', '--timeout', '1s', '--', 'true'])
    const { status, stderr } = await cli.exited
    expect(status, stderr).toBe(0)
    expect(stderr.match(/ config +passed/g)).toHaveLength(1)
    expect(stderr).toMatch(/command +passed/)
  })
})

describe('a one-off command', () => {
  test('goes without the preflight where HOLDFAST_PREFLIGHT=off', async () => {
    const cli = enter(image('dash'), ['echo', 'RAN'], { ...(await absent()), HOLDFAST_PREFLIGHT: 'off' })
    expect(await cli.exited).toMatchObject({ status: 0, stdout: 'RAN\n', stderr: '' })
  })

  test('another value of HOLDFAST_PREFLIGHT is wrong usage, not a way around it', async () => {
    const cli = enter(image('dash'), ['echo', 'RAN'], { HOLDFAST_PREFLIGHT: 'no' })
    expect(await cli.exited).toMatchObject({ status: 64, stdout: '' })
  })

  test('that is missing is wrong usage', async () => {
    expect((await enter(image('dash'), []).exited).status).toBe(64)
  })
})

describe('holdfast is found', () => {
  test('in node_modules/.bin', async () => {
    const made = image('dash', 'node_modules/.bin/holdfast')
    const { status, stderr } = await enter(made, ['true'], { PATH: made.PATH }).exited
    expect(status, stderr).toBe(0)
  })

  test('where HOLDFAST says', async () => {
    const made = image('dash', 'elsewhere/hf')
    const { status, stderr } = await enter(made, ['true'], { PATH: made.PATH, HOLDFAST: made.program }).exited
    expect(status, stderr).toBe(0)
  })

  test('or its absence is 127, with what to do', async () => {
    const made = image('dash', 'elsewhere/hf')
    const { status, stdout, stderr } = await enter(made, ['echo', 'RAN'], { PATH: made.PATH }).exited
    expect({ status, stdout }).toEqual({ status: 127, stdout: '' })
    expect(stderr).toContain('set HOLDFAST to its path')
  })
})
