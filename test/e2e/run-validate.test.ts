import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CliOptions, holdfast, holdfastCommand, spawnHoldfast } from '../support/cli.js'
import { belongings, leftSince } from '../support/leaks.js'
import { runInNetns } from '../support/netns.js'
import { refused } from '../support/peers.js'
import { isAlive, untilDead } from '../support/proc.js'
import { freePort, tempFolder } from '../support/root.js'
import { sharedPostgres } from '../support/shared.js'
import { differences } from './documents.js'
import { silencing } from './production.js'

interface Stage {
  readonly stage: string
  readonly state: 'passed' | 'failed' | 'skipped'
  readonly message?: string
}

interface Document {
  readonly exitStatus: number
  readonly stages: readonly Stage[]
}

/** `holdfast run --validate --json`, whose document keeps to the schema. */
async function validate(args: readonly string[], options: CliOptions = {}) {
  const result = await holdfast(['run', '--validate', '--json', ...args], { timeoutMs: 60_000, ...options })
  const document = result.json<Document>()
  expect(differences(document)).toEqual([])
  expect(document.exitStatus).toBe(result.status)
  const states = Object.fromEntries(document.stages.map(one => [one.stage, one.state]))
  const message = (stage: string) => document.stages.find(one => one.stage === stage)?.message ?? ''
  return { ...result, document, states, message }
}

/** A server that prints its process id, answers on PORT, and ends with 7 at TERM. */
const SERVER = `
  const http = require('node:http')
  const server = http.createServer((_, answer) => answer.writeHead(Number(process.env.CODE ?? 200)).end('ok'))
  server.listen(Number(process.env.PORT), '127.0.0.1', () => console.log('server is ' + process.pid))
  process.on('SIGTERM', () => process.exit(7))
`

/** A folder with that server, a configuration for the database `db`, and a table that is expected of it. */
async function image(url: string, more: object = {}) {
  const folder = tempFolder('image')
  writeFileSync(join(folder, 'server.cjs'), SERVER)
  const schema = { tables: ['pg_catalog.pg_class'] }
  silencing(folder, { targets: { db: { url: 'env:DATABASE_URL', schema } }, ...more })
  const port = await freePort()
  const env = { DATABASE_URL: url, PORT: String(port) }
  return { folder, port, env, options: { cwd: folder, env }, health: `http://127.0.0.1:${port}/health` }
}

const absent = async () => {
  const { host, port } = await refused()
  return `postgres://app:secretword@${host}:${port}/app`
}

const NODE = [process.execPath, 'server.cjs']

describe('without any database', () => {
  test('stages that need it are skipped and say so, the others pass, and the status is 0', async () => {
    const { options, health } = await image(await absent())
    const trials = [
      '--up-for',
      '1s',
      '--health',
      health,
      '--import-check',
      './server.cjs,node:fs',
      '--smoke',
      'true',
    ]
    const { status, states, message, stderr, stdout } = await validate(
      ['--timeout', '300ms', ...trials, '--', ...NODE],
      options,
    )
    expect(states, stderr).toEqual({
      config: 'passed',
      command: 'passed',
      'import-check': 'passed',
      smoke: 'passed',
      wait: 'skipped',
      schema: 'skipped',
      deploy: 'passed',
      up: 'passed',
    })
    expect(status).toBe(0)
    expect(message('wait')).toBe('needs postgres: db')
    expect(message('schema')).toBe('needs postgres: db')
    expect(message('up')).toMatch(/^up for 1\.0 s, healthy after .*; TERM ended it with status 7 after/)
    expect(stdout + stderr).not.toContain('secretword')
  }, 40_000)

  test.each(['db', 'all'])('--require=%s makes the skip a failure', async name => {
    const { options } = await image(await absent())
    const { status, states, message } = await validate(
      ['--timeout', '300ms', `--require=${name}`, '--', ...NODE],
      options,
    )
    expect(status).toBe(69)
    expect(states.wait).toBe('failed')
    expect(message('wait')).toMatch(/^db: connection-refused at tcp/)
  })

  test('--require with a name that is no target is wrong usage', async () => {
    const { options } = await image(await absent())
    const { status, stderr } = await holdfast(['run', '--validate', '--require=dv'], options)
    expect(status).toBe(64)
    expect(stderr).toContain('--require: "dv" is not the name of a target. There are db, and all.')
  })

  test('a migration is skipped, too', async () => {
    const { options } = await image(await absent())
    const { status, message, states } = await validate(
      ['--timeout', '300ms', '--migrate', 'echo RAN'],
      options,
    )
    expect(status).toBe(0)
    expect(states.migrate).toBe('skipped')
    // Once, although it is the target of the lock and of the expectation.
    expect(message('migrate')).toBe('needs postgres: db')
  })
})

test('with the database all stages pass', async () => {
  const { options, health } = await image(sharedPostgres().url())
  const args = ['--migrate', 'true', '--require=db', '--up-for', '500ms', '--health', health, '--', ...NODE]
  const { status, document, stderr } = await validate(args, options)
  expect(
    document.stages.filter(({ state }) => state !== 'passed'),
    stderr,
  ).toEqual([])
  expect(document.stages.map(({ stage }) => stage)).toEqual([
    'config',
    'command',
    'wait',
    'migrate',
    'schema',
    'deploy',
    'up',
  ])
  expect(status).toBe(0)
}, 40_000)

test('a broken configuration is 78, and every error is listed', async () => {
  const { folder } = await image('')
  silencing(folder, {
    targets: { db: 'env:NOT_SET', cache: 'redish://x' },
    environment: { PORT: { type: 'port' } },
    untill: 'schema',
  })
  const { status, message, states } = await validate(['--', ...NODE], { cwd: folder, env: { PORT: 'many' } })
  expect(status).toBe(78)
  expect(states).toMatchObject({ config: 'failed', command: 'passed', wait: 'skipped', deploy: 'skipped' })
  for (const what of [/NOT_SET is not set/, /did you mean redis/i, /PORT: "many"/, /untill: unknown key/])
    expect(message('config')).toMatch(what)
})

test('stages of a configuration that cannot be used are skipped, and not left out', async () => {
  const { folder } = await image('')
  silencing(folder, {
    targets: { db: 'env:NOT_SET' },
    run: { migrate: 'echo MIGRATED', smoke: 'echo SMOKED' },
  })
  const { document, stderr } = await validate(['--up-for', '1s', '--', ...NODE], { cwd: folder })
  expect(document.stages.map(({ stage, state }) => `${stage} ${state}`)).toEqual([
    'config failed',
    'command passed',
    'smoke skipped',
    'wait skipped',
    'migrate skipped',
    'schema skipped',
    'deploy skipped',
    'up skipped',
  ])
  expect(stderr).not.toMatch(/MIGRATED|SMOKED/)
})

describe('a validation migrates', () => {
  /** With a database whose table is missing, and a name for this machine as another one would have. */
  const migrating = async (host: string, ...more: string[]) => {
    const { folder } = await image('')
    silencing(folder, { targets: { db: { url: 'env:DATABASE_URL', schema: { tables: ['nowhere'] } } } })
    const args = ['run', '--validate', '--migrate', 'echo MIGRATED', ...more]
    const options = { cwd: folder, env: { DATABASE_URL: sharedPostgres().url({ host }) } }
    const { command, env } = holdfastCommand(args, options)
    const hosts = '127.0.0.1 localhost db db.example.org\n'
    return runInNetns(command, { network: 'host', hosts, cwd: folder, env })
  }

  test.each([
    ['db', []],
    ['db.example.org', ['--allow-remote', 'db.example.org']],
  ])('%s with %j', async (host, more) => {
    const { stderr } = await migrating(host, ...more)
    expect(stderr).toMatch(/^MIGRATED$/m)
  })

  test('no database of another machine that its address happens to lead to', async () => {
    const { status, stderr } = await migrating('db.example.org')
    expect(status, stderr).toBe(78)
    expect(stderr).not.toMatch(/^MIGRATED$/m)
    expect(stderr).toMatch(/migrate +failed +CMD would change .*or say --allow-remote db\.example\.org$/m)
  })
})

test('a wrong password fails: a server that answers is not absent', async () => {
  const { options } = await image(sharedPostgres().url({ password: 'wrong' }))
  const { status, states } = await validate(['--grace', '0'], options)
  expect(status).toBe(78)
  expect(states).toMatchObject({ wait: 'failed', schema: 'skipped', deploy: 'passed' })
})

test('production settings are judged, from warnings on, and --fail-level takes any case', async () => {
  const url = (await absent()).replace(':secretword', '')
  const judged = (...level: string[]) =>
    validate(['--timeout', '200ms', ...level, `db=${url}?sslmode=disable`], {
      env: { NODE_ENV: 'development' },
    })
  const strict = await judged()
  expect(strict.status).toBe(78)
  expect(strict.states).toMatchObject({ wait: 'skipped', deploy: 'failed' })
  expect((await judged('--fail-level', 'ERROR')).message('deploy')).not.toBe(strict.message('deploy'))
  const wrong = await holdfast(['run', '--fail-level', 'fatal', url])
  expect(wrong.status).toBe(64)
  expect(wrong.stderr).toContain('--fail-level: "fatal" is not one of info, warning, error')
}, 40_000)

describe('COMMAND', () => {
  const wrongCommands = () => {
    const folder = tempFolder('commands')
    writeFileSync(join(folder, 'plain.sh'), '#!/bin/sh\n')
    writeFileSync(join(folder, 'shebang.sh'), '#!/no/such/shell\n', { mode: 0o755 })
    writeFileSync(join(folder, 'env.sh'), '#!/usr/bin/env no-such-program\n', { mode: 0o755 })
    return folder
  }

  test.each([
    ['no-such-program', 127, /not found on PATH/],
    ['./nowhere.sh', 127, /no such file/],
    ['./plain.sh', 126, /chmod \+x/],
    ['./shebang.sh', 126, /first line wants \/no\/such\/shell/],
    ['./env.sh', 126, /first line wants no-such-program/],
  ])('%s is %i', async (command, wanted, what) => {
    const { status, message } = await validate(['--', command], { cwd: wrongCommands() })
    expect(status).toBe(wanted)
    expect(message('command')).toMatch(what)
  })

  test('that ends early fails with its status and its last words', async () => {
    const words = 'console.log("one"); console.error("no DATABASE_URL here"); process.exit(5)'
    const { status, message } = await validate(['--up-for', '30s', '--', process.execPath, '-e', words])
    expect(status).toBe(5)
    expect(message('up')).toMatch(/^it ended after .* with status 5\n\s+one\n\s+no DATABASE_URL here$/)
  })

  test('that ends well and early has not stayed up either', async () => {
    const { status, message } = await validate(['--up-for', '30s', '--', 'true'])
    expect(status).toBe(1)
    expect(message('up')).toMatch(/with status 0/)
  })

  test('that is not healthy fails, and is stopped', async () => {
    const { options, health } = await image(sharedPostgres().url())
    const env = { ...options.env, CODE: '503' }
    const { status, message, stderr } = await validate(
      ['--up-for', '1s', '--health', health, '--', ...NODE],
      { ...options, env },
    )
    expect(status).toBe(69)
    expect(message('up')).toMatch(/health: server-not-ready .*503.*; TERM ended it with status 7/)
    expect(isAlive(Number(/server is (\d+)/.exec(stderr)?.[1]))).toBe(false)
  })

  test('that does not hear TERM is killed with all that it started', async () => {
    const script = `trap '' TERM; sleep 60 & echo "left $!"; while :; do sleep 1; done`
    const args = ['--up-for', '500ms', '--stop-grace', '200ms', '--', 'sh', '-c', script]
    const { status, message, stderr } = await validate(args)
    expect(status).toBe(0)
    expect(message('up')).toMatch(/did not end within 200 ms of TERM and was killed/)
    expect(isAlive(Number(/left (\d+)/.exec(stderr)?.[1]))).toBe(false)
  })

  test('is never handed over to', async () => {
    const { status, stdout } = await holdfast(['run', '--validate', '--', 'echo', 'RAN'])
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  })
})

test('a module that cannot be loaded is named with the reason', async () => {
  const folder = tempFolder('modules')
  writeFileSync(join(folder, 'good.mjs'), 'setInterval(() => {}, 1000)')
  writeFileSync(join(folder, 'bad.mjs'), 'throw new Error("no native part")')
  const { status, message } = await validate(
    ['--import-check', './good.mjs,./bad.mjs', '--import-check', 'nope'],
    {
      cwd: folder,
    },
  )
  expect(status).toBe(1)
  expect(message('import-check')).toMatch(
    /\.\/bad\.mjs: .*no native part; nope: .*Cannot find package 'nope'/,
  )
  expect(message('import-check')).not.toContain('good.mjs')
})

test('a smoke command has a time limit, and ends with all that it started', async () => {
  const { status, message, stderr } = await validate([
    '--smoke',
    'sleep 60 & echo "left $!"; wait',
    '--check-timeout',
    '300ms',
  ])
  expect(status).toBe(1)
  expect(message('smoke')).toBe('did not end within 300 ms')
  expect(isAlive(Number(/left (\d+)/.exec(stderr)?.[1]))).toBe(false)
})

describe('whatever ends the validation stops COMMAND', () => {
  const args = [
    'run',
    '--validate',
    '--up-for',
    '60s',
    '--',
    process.execPath,
    '-e',
    `
    process.on('SIGTERM', () => { console.log('stopped'); process.exit(0) })
    setInterval(() => {}, 1000)
    console.log('server is ' + process.pid)`,
  ]
  const start = async () => {
    const cli = spawnHoldfast(args)
    const pid = Number((await cli.waitForStderr(/server is (\d+)/))[1])
    return { cli, pid, before: belongings({ temp: { folder: cli.temp } }) }
  }

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const)('%s', async (signal, wanted) => {
    const { cli, pid, before } = await start()
    cli.kill(signal)
    const { status, stderr } = await cli.exited
    expect(status).toBe(wanted)
    expect(stderr).toContain('stopped')
    expect(isAlive(pid)).toBe(false)
    expect(await leftSince(before)).toEqual([])
  })

  test('SIGKILL', async () => {
    const { cli, pid } = await start()
    cli.kill('SIGKILL')
    await cli.ended
    await untilDead([pid])
  })
})

describe('no variable switches it on', () => {
  test.each(['HOLDFAST_VALIDATE', 'HOLDFAST_UP_FOR', 'HOLDFAST_REQUIRE'])('%s', async variable => {
    const folder = tempFolder('variable')
    silencing(folder, {})
    const { status, stdout, stderr } = await holdfast(['run', sharedPostgres().url(), '--', 'echo', 'RAN'], {
      cwd: folder,
      env: { [variable]: '1' },
    })
    expect({ status, stdout }, stderr).toEqual({ status: 0, stdout: 'RAN\n' })
    expect(stderr).toContain(`${variable} does nothing: --`)
  })

  test('and --up-for without --validate is wrong usage', async () => {
    const { status, stderr } = await holdfast(['run', '--up-for', '1s', '--', 'true'])
    expect(status).toBe(64)
    expect(stderr).toContain('--up-for means nothing without --validate')
  })
})

test('a JUnit report has a case for each stage', async () => {
  const folder = tempFolder('junit')
  const file = join(folder, 'report.xml')
  await holdfast([
    'run',
    '--validate',
    '--timeout',
    '200ms',
    '--junit',
    file,
    `db=${await absent()}`,
    '--',
    'nope',
  ])
  const text = readFileSync(file, 'utf8')
  expect(text).toMatch(/name="command"[^>]*>\s*<failure type="stage" message="nope: not found on PATH">/)
  expect(text).toMatch(/name="wait"[^>]*>\s*<skipped message="needs postgres: db"\/>/)
})
