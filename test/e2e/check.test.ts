import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { tempFolder } from '../support/root.js'
import { differences, parseXml } from './documents.js'

interface Finding {
  readonly id: string
  readonly level: string
  readonly message: string
  readonly where?: string
  readonly silenced?: string
}

interface Document {
  readonly ok: boolean
  readonly exitStatus: number
  readonly targets: readonly { name: string; address: string }[]
  readonly findings: readonly Finding[]
}

/** A folder of its own with these files in it. */
function folderWith(files: Record<string, string>): string {
  const folder = tempFolder('checked')
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

const config = (text: string) => folderWith({ 'holdfast.config.yaml': text })

type Options = { cwd?: string; env?: Record<string, string> }

/** The document of `--json`, held against the schema. */
async function checked(args: readonly string[], options: Options = {}): Promise<Document> {
  const result = await holdfast(['check', '--json', ...args], options)
  const document = result.json<Document>()
  expect(differences(document)).toEqual([])
  expect(document.exitStatus).toBe(result.status)
  expect(result.stderr).toBe('')
  return document
}

const BROKEN = `timout: 5s
targets:
  db:
    url: env:DATABASE_URL
    untill: auth
  port: postgres://app:hunter2hunter2@db:54x2/app
  fine: postgres://app@localhost/app
environment:
  SITE: {}
  WORKERS: { type: integer, min: 1 }
  API_KEY: { type: integer }
`

const BROKEN_ENV = {
  WORKERS: '0',
  API_KEY: 'n0t-a-number-but-a-key',
  PGSSLMODE: 'on',
  DB_HOST: 'localhost',
  DB_PORT: 'abc',
  HOLDFAST_TIMEOUT: 'soon',
}

describe('a broken configuration', () => {
  test('has every problem listed at once, each with its place, and ends with 78', async () => {
    const { findings, exitStatus, targets } = await checked([], { cwd: config(BROKEN), env: BROKEN_ENV })
    expect(exitStatus).toBe(78)
    expect(targets.map(({ name }) => name)).toEqual(['fine'])
    const errors = findings.filter(({ level }) => level === 'error')
    expect(errors.map(({ id, where }) => `${id} ${where}`).sort()).toEqual([
      'config-invalid holdfast.config.yaml:1:1',
      'config-invalid holdfast.config.yaml:5:5',
      'environment-invalid holdfast.config.yaml:10:3',
      'environment-invalid holdfast.config.yaml:11:3',
      'environment-missing holdfast.config.yaml:9:3',
      'option-invalid env:HOLDFAST_TIMEOUT',
      'reference-unset holdfast.config.yaml:3:3',
      'target-invalid holdfast.config.yaml:6:3',
      'variable-invalid env:DB_PORT',
      'variable-invalid env:PGSSLMODE',
    ])
  })

  test('is told in the order of its lines', async () => {
    const { findings } = await checked([], { cwd: config(BROKEN), env: BROKEN_ENV })
    const lines = findings.flatMap(({ where }) => /yaml:(\d+)/.exec(where ?? '')?.[1] ?? []).map(Number)
    expect(lines).toEqual([...lines].sort((a, b) => a - b))
  })

  test('is told to people on standard error, the verdict last and no secret in it', async () => {
    const { status, stdout, stderr } = await holdfast(['check'], { cwd: config(BROKEN), env: BROKEN_ENV })
    expect([status, stdout]).toEqual([78, ''])
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(/^holdfast: failed: 10 errors.*cannot be used$/)
    expect(stderr).toContain('did you mean "timeout"?')
    expect(stderr).not.toMatch(/hunter2|n0t-a-number/)
  })

  test('that is no YAML is one problem', async () => {
    const { findings, exitStatus } = await checked([], { cwd: config('targets: [\n') })
    expect(exitStatus).toBe(78)
    expect(findings).toMatchObject([
      { id: 'config-invalid', where: expect.stringMatching(/holdfast\.config\.yaml$/) },
    ])
  })

  test('in JSON has its places, too', async () => {
    const cwd = folderWith({ 'holdfast.config.json': '{\n  "targets": {\n    "db": "nothing"\n  }\n}\n' })
    expect((await checked([], { cwd })).findings[0]?.where).toBe('holdfast.config.json:3:5')
  })

  test('that is a program names the key', async () => {
    const cwd = folderWith({ 'holdfast.config.mjs': 'export default { targets: { db: "nothing" } }\n' })
    expect((await checked([], { cwd })).findings[0]?.where).toBe('holdfast.config.mjs: targets.db')
  })
})

describe('exit status', () => {
  const env = { DATABASE_URL: 'postgres://app:quu8Aic2eiTh@db.example.com/app' }

  test.each<[number, string[], Record<string, string>]>([
    [0, [], env],
    [0, [], {}],
    [0, ['--deploy'], env],
    [1, ['--deploy', '--fail-level', 'WARNING'], env],
    [1, ['--deploy'], { ...env, HOLDFAST_FAIL_LEVEL: 'warning' }],
    [1, [], { HOLDFAST_FAIL_LEVEL: 'warning' }],
    [1, ['--deploy'], { DATABASE_URL: 'postgres://app:changeme@localhost/app' }],
    [
      0,
      ['--deploy', '--silence', 'default-password=a test'],
      { DATABASE_URL: 'postgres://app:changeme@localhost/app' },
    ],
    [78, [], { DATABASE_URL: 'nothing' }],
    [64, ['--silence', 'target-invalid=never mind', 'postgrs://db'], {}],
    [78, ['-c', 'absent.yaml'], {}],
    [64, ['--fail-level', 'fatal'], {}],
    [64, ['--silence', 'tls-of=x'], {}],
    [64, ['--silence', 'tls-off'], {}],
    [64, ['--explain', 'tls'], {}],
    [64, ['--', 'true'], {}],
  ])('%i for %j with %j', async (expected, args, variables) => {
    const { status, stderr } = await holdfast(['check', ...args], { env: variables })
    expect([status, stderr]).toEqual([expected, expect.not.stringContaining('    at ')])
  })

  test('the configuration sets the level, an option another one', async () => {
    const cwd = config(
      'check: { failLevel: warning }\ntargets: { db: "postgres://a:quu8Aic2eiTh@db.example.com/a" }\n',
    )
    const status = async (...args: string[]) => (await checked(['--deploy', ...args], { cwd })).exitStatus
    expect([await status(), await status('--fail-level', 'error')]).toEqual([1, 0])
  })
})

describe('what is silenced', () => {
  const cwd = () =>
    config(
      'check: { silence: { default-password: a demonstration } }\ntargets: { db: postgres://a:a@localhost/a }\n',
    )

  test('is in the document with its reason', async () => {
    const { findings, ok } = await checked(['--deploy'], { cwd: cwd() })
    expect(ok).toBe(true)
    expect(findings.find(({ id }) => id === 'default-password')?.silenced).toBe('a demonstration')
  })

  test('is shown with -v', async () => {
    const { stderr } = await holdfast(['check', '--deploy'], { cwd: cwd() })
    const { stderr: verbose } = await holdfast(['check', '--deploy', '-v'], { cwd: cwd() })
    expect(stderr).not.toContain('a demonstration')
    expect(stderr).toContain('1 silenced')
    expect(verbose).toContain('silenced: a demonstration')
  })

  test('by a name that no rule has is an error of the configuration', async () => {
    const { findings, exitStatus } = await checked([], { cwd: config('check: { silence: { tls-of: x } }\n') })
    expect(exitStatus).toBe(78)
    expect(findings[0]?.message).toContain('did you mean tls-off?')
  })
})

describe('output', () => {
  test('annotations for GitHub stand at the line of the file', async () => {
    const { stderr } = await holdfast(['check', '--format', 'github'], {
      cwd: config(BROKEN),
      env: BROKEN_ENV,
    })
    expect(stderr).toMatch(
      /^::error file=holdfast\.config\.yaml,line=5,col=5,title=holdfast%3A config-invalid::targets\.db\.untill/m,
    )
    expect(stderr).toMatch(/^::error title=holdfast%3A variable-invalid::.*\(env:DB_PORT\)/m)
    expect(stderr).not.toContain('hunter2')
  })

  test('under GitHub Actions a table goes into the summary of the step', async () => {
    const cwd = config(BROKEN)
    const summary = join(cwd, 'summary.md')
    const env = { ...BROKEN_ENV, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary }
    const { stderr } = await holdfast(['check'], { cwd, env })
    expect(stderr).toContain('::error ')
    expect(readFileSync(summary, 'utf8')).toMatch(
      /### holdfast check: failed[\s\S]*\| error \| environment-missing \|/,
    )
  })

  test('JUnit has a case for each rule', async () => {
    const cwd = config(BROKEN)
    const file = join(cwd, 'junit.xml')
    await holdfast(['check', '--deploy', '--junit', file, '--silence', 'no-timeouts=in code'], {
      cwd,
      env: BROKEN_ENV,
    })
    const suite = parseXml(readFileSync(file, 'utf8'))
    const failed = suite.children.filter(one => one.children[0]?.name === 'failure')
    expect(suite.attributes.tests).toBe(String(suite.children.length))
    expect(suite.attributes.failures).toBe(String(failed.length))
    expect(failed.map(({ attributes }) => attributes.name)).toContain('environment-invalid')
    const timeouts = suite.children.find(({ attributes }) => attributes.name === 'no-timeouts')
    expect(timeouts?.children[0]).toMatchObject({ name: 'skipped', attributes: { message: 'in code' } })
  })

  test('lines of JSON end with the document', async () => {
    const { stdout } = await holdfast(['check', '--format', 'ndjson'], {
      cwd: config(BROKEN),
      env: BROKEN_ENV,
    })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as { event: string })
    expect(lines.at(-1)?.event).toBe('end')
    expect(differences(lines.at(-1))).toEqual([])
    expect(lines.slice(0, -1).every(({ event }) => event === 'finding')).toBe(true)
  })

  test('-q says nothing when nothing fails', async () => {
    expect(await holdfast(['check', '-q'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })

  test('--explain prints a rule with its examples', async () => {
    const { status, stdout } = await holdfast(['check', '--explain', 'tls-off'])
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^tls-off \(error, with --deploy\)[\s\S]*Found:[\s\S]*Not found:/),
    ])
  })
})

test('files that an address names are looked at, with a fix that can be pasted', async () => {
  const cwd = folderWith({ 'app.pem': '', 'app.key': '' })
  const key = join(cwd, 'app.key')
  chmodSync(key, 0o666)
  const query = `sslmode=verify-full&sslrootcert=${join(cwd, 'ca.pem')}&sslcert=${join(cwd, 'app.pem')}&sslkey=${key}`
  const { status, stderr } = await holdfast(['check', `postgres://app@localhost/app?${query}`], { cwd })
  expect(status).toBe(78)
  expect(stderr).toContain('ca.pem is not there')
  expect(stderr).toMatch(/^ {6}chmod 06[04]0 .*app\.key$/m)
})

test('nothing is connected to, no name is asked for, no program is started', async () => {
  const cwd = config(
    [
      'targets:',
      '  db: postgres://app@db.example.com/app',
      '  cache: redis://localhost:6379',
      '  seeds: mongodb+srv://app@cluster.example.com/app',
      '  ready: exec:"true"',
      'run: { migrate: npx migrate, smoke: node -v }',
    ].join('\n'),
  )
  const told = join(cwd, 'told')
  const spy = join(cwd, 'spy.cjs')
  writeFileSync(
    spy,
    `const { appendFileSync } = require('node:fs')
const tell = (module, ...names) => { for (const name of names) module[name] = () => appendFileSync(${JSON.stringify(told)}, name + '\\n') }
tell(require('node:net').Socket.prototype, 'connect')
tell(require('node:net'), 'connect', 'createConnection')
tell(require('node:dns'), 'lookup', 'resolve', 'resolveSrv')
tell(require('node:child_process'), 'spawn', 'execFile', 'exec', 'fork', 'spawnSync')
`,
  )
  const env = { NODE_OPTIONS: `--require=${spy}` }
  expect((await checked(['--deploy'], { cwd, env })).targets).toHaveLength(4)
  expect(existsSync(told)).toBe(false)
  // The spy does tell.
  await holdfast(['wait', '--once', 'redis://127.0.0.1:1'], { env, timeoutMs: 10_000 })
  expect(existsSync(told)).toBe(true)
})
