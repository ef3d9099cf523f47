import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.js'
import { holdfast, spawnHoldfast } from '../support/cli.js'
import { COMPOSE, contentsOf, DJANGO, type Files, GO, NODE, treeOf, WORKFLOW } from './trees.js'

const init = (folder: string, ...args: string[]) => holdfast(['init', ...args], { cwd: folder })
const read = (folder: string, path: string) => readFileSync(join(folder, path), 'utf8')
const dockerfile = { Dockerfile: 'FROM node:22-slim AS base\nFROM base\nCOPY . .\n' }
const shop = { ...NODE, ...dockerfile, 'compose.yaml': COMPOSE, '.github/workflows/ci.yml': WORKFLOW }

const TREES: readonly (readonly [string, Files, readonly string[]])[] = [
  ['a bare Django tree', DJANGO, ['holdfast.config.yaml', '.github/workflows/holdfast.yml']],
  ['a bare Node tree', NODE, ['holdfast.config.yaml', '.github/workflows/holdfast.yml']],
  ['a bare Go tree', GO, ['holdfast.config.yaml', '.github/workflows/holdfast.yml']],
  [
    'a Node tree with everything',
    shop,
    ['holdfast.config.yaml', 'compose.yaml', 'entrypoint.sh', '.github/workflows/ci.yml'],
  ],
  ['a Compose file alone', { 'docker-compose.yml': COMPOSE }, ['holdfast.config.yaml', 'docker-compose.yml']],
]

describe.each(TREES)('%s', (_, files, written) => {
  test('gets what it lacks, and a second run changes nothing and says so', async () => {
    const folder = treeOf(files)
    const before = contentsOf(folder)
    const first = await init(folder, '--yes', '--json')
    expect(first.status).toBe(0)
    const plan = first.json<{ files: { path: string; action: string }[]; written: boolean }>()
    expect(plan.files.filter(({ action }) => action !== 'unchanged').map(({ path }) => path)).toEqual(written)
    const after = contentsOf(folder)
    expect(Object.keys(after).sort()).toEqual([...new Set([...Object.keys(before), ...written])].sort())
    for (const path of Object.keys(before))
      if (!written.includes(path)) expect(after[path]).toBe(before[path])

    const second = await init(folder, '--yes')
    expect(second.status).toBe(0)
    expect(second.stderr).toContain('nothing to write: everything is there')
    expect(contentsOf(folder)).toEqual(after)
  })

  test('gets YAML that can be read, and a configuration that holdfast accepts', async () => {
    const folder = treeOf(files)
    await init(folder, '--yes')
    for (const path of written.filter(path => /\.ya?ml$/.test(path)))
      expect(parse(read(folder, path), { merge: true })).toBeTypeOf('object')
    const { config } = await loadConfig(join(folder, 'holdfast.config.yaml'))
    expect(config.targets ?? config.environment).toBeTypeOf('object')
  })
})

describe('the configuration', () => {
  test('names variables and never a value', async () => {
    const folder = treeOf(shop)
    await init(folder, '--yes')
    expect(parse(read(folder, 'holdfast.config.yaml'))).toEqual({
      targets: { db: 'env:DATABASE_URL', cache: 'env:REDIS_URL' },
    })
  })

  test('is what holdfast wait reads', async () => {
    const folder = treeOf({ ...NODE, '.env.example': 'DATABASE_URL=\n' })
    await init(folder, '--yes')
    const { status, stderr } = await holdfast(['wait', '--once'], { cwd: folder })
    expect([status, stderr]).toEqual([64, expect.stringContaining('DATABASE_URL is not set')])
  })

  test('leaves the variables of Django’s habit to discovery', async () => {
    const folder = treeOf(DJANGO)
    await init(folder, '--yes')
    const config = parse(read(folder, 'holdfast.config.yaml'))
    expect(Object.keys(config.environment)).toEqual(['DB_HOST', 'DB_NAME', 'DB_USER', 'DB_PASSWORD'])
    expect(config.environment.DB_NAME).toEqual({ type: 'string', required: false })
    const env = { DB_HOST: '127.0.0.1', DB_PORT: '1', DB_USER: 'u', DB_NAME: 'n' }
    const { status, stderr } = await holdfast(['wait', '--once'], { cwd: folder, env })
    expect([status, stderr]).toEqual([1, expect.stringContaining('connection-refused')])
  })

  test.each<readonly [string, Files, Record<string, string>, RegExp | undefined]>([
    [
      'a broker that no program is given',
      {
        'compose.yaml':
          'services:\n  db: { image: postgres }\n  mq: { image: rabbitmq }\n  web: { build: ., environment: { DATABASE_URL: "postgres://db/a" } }\n',
      },
      { DATABASE_URL: 'postgres://db/a' },
      /mq: nothing sets or reads AMQP_URL/,
    ],
    [
      'a host and no address',
      {
        'package.json': '{"dependencies":{"pg":"8","redis":"5"}}',
        '.env': 'DATABASE_URL=postgres://db/a\nREDIS_HOST=x\n',
      },
      { DATABASE_URL: 'postgres://db/a' },
      /redis: REDIS_HOST is no address that holdfast reads, and nothing sets or reads REDIS_URL/,
    ],
    [
      'a host and no address beside Django’s family',
      { ...DJANGO, '.env': 'REDIS_HOST=x\n' },
      { DB_HOST: 'db', DB_USER: 'u', DB_PASSWORD: 'p' },
      /redis: REDIS_HOST is no address/,
    ],
    [
      'a driver alone',
      { 'manage.py': '', 'requirements.txt': 'django\nredis\n' },
      {},
      /redis: nothing sets or reads REDIS_URL/,
    ],
    [
      'a default in the settings',
      {
        'manage.py': '',
        'requirements.txt': 'redis\n',
        'a/settings.py': 'X = os.environ.get("REDIS_URL", "redis://x")\n',
      },
      {},
      undefined,
    ],
    [
      'a variable of .env that Compose gives to nobody',
      {
        'compose.yaml': 'services:\n  cache: { image: redis }\n  web: { build: . }\n',
        '.env': 'REDIS_URL=redis://cache\n',
      },
      {},
      undefined,
    ],
    [
      'another program that is given more',
      {
        'compose.yaml':
          'services:\n  cache: { image: redis }\n  db: { image: postgres }\n  web: { build: ., environment: { REDIS_URL: "redis://cache" } }\n  job: { build: ., environment: { REDIS_URL: "redis://cache", DATABASE_URL: "postgres://db/a" } }\n',
      },
      { REDIS_URL: 'redis://cache' },
      undefined,
    ],
    [
      'another program that is given more, under a name of its own',
      {
        'compose.yaml':
          'services:\n  cache: { image: redis }\n  mq: { image: rabbitmq }\n  web: { build: ., environment: { REDIS_URL: "redis://cache" } }\n  job: { build: ., environment: { REDIS_URL: "redis://cache", BROKER: "amqp://mq" } }\n',
      },
      { REDIS_URL: 'redis://cache' },
      /mq: not every program is given BROKER/,
    ],
  ])('passes holdfast check where a program runs that is not given %s', async (_, files, env, note) => {
    const folder = treeOf(files)
    const first = await init(folder, '--yes', '--only', 'config')
    const { status, stderr } = await holdfast(['check'], { cwd: folder, env })
    expect([status, stderr]).toEqual([0, expect.stringContaining('passed')])
    const second = await init(folder, '--yes', '--only', 'config')
    for (const run of [first, second])
      if (note) expect(run.stderr).toMatch(note)
      else expect(run.stderr).not.toContain('nothing sets or reads')
    expect(second.stderr).toContain('nothing to write: everything is there')
  })

  test('has a line for what nothing sets yet, whose note ends when the line is in use', async () => {
    const folder = treeOf({ ...NODE, '.env': 'DATABASE_URL=postgres://db/a\n' })
    expect((await init(folder, '--yes', '--only', 'config')).stderr).toContain('reads REDIS_URL')
    const path = join(folder, 'holdfast.config.yaml')
    writeFileSync(path, readFileSync(path, 'utf8').replace('# redis: env', 'redis: env'))
    expect(parse(readFileSync(path, 'utf8')).targets).toEqual({
      postgres: 'env:DATABASE_URL',
      redis: 'env:REDIS_URL',
    })
    const { stderr } = await init(folder, '--yes', '--only', 'config')
    expect(stderr).not.toContain('reads REDIS_URL')
    expect(stderr).toMatch(
      /nothing was written: kept for other content than init would write: holdfast\.config\.yaml; --force replaces it\n$/,
    )
  })

  test('of another kind is kept, and no second one is made beside it', async () => {
    const folder = treeOf({ ...NODE, 'holdfast.config.json': '{}' })
    expect((await init(folder, '--yes', '--force')).stderr).toContain(
      'holdfast.config.json is the configuration already',
    )
    expect(contentsOf(folder)).not.toHaveProperty('holdfast.config.yaml')
  })
})

describe('the Compose file', () => {
  test('keeps every line and comment, and gets health checks over TCP that programs wait for', async () => {
    const folder = treeOf(shop)
    await init(folder, '--yes', '--only', 'compose')
    const text = read(folder, 'compose.yaml')
    const { services } = parse(text, { merge: true })
    expect(services.db.healthcheck.test).toEqual([
      'CMD-SHELL',
      'PGPASSWORD="$$POSTGRES_PASSWORD" psql -h 127.0.0.1 -U "$$POSTGRES_USER" -d "$$POSTGRES_DB" -c \'SELECT 1\'',
    ])
    expect(services.cache.healthcheck.test).toEqual(['CMD-SHELL', 'redis-cli ping | grep -q PONG'])
    const healthy = { db: { condition: 'service_healthy' }, cache: { condition: 'service_healthy' } }
    expect([services.web.depends_on, services.worker.depends_on]).toEqual([healthy, healthy])
    expect([services.web.healthcheck, services.worker.healthcheck]).toEqual([undefined, undefined])
    const kept = COMPOSE.split('\n').filter(line => line !== '      - db # first')
    const lines = text.split('\n')
    let at = 0
    for (const line of kept) {
      at = lines.indexOf(line, at)
      expect(at, line).toBeGreaterThanOrEqual(0)
      at++
    }
    expect(text).toContain('      db: # first\n        condition: service_healthy\n')
  })

  test.each([
    ['a block', '\n      - mysql\n      - redis\n      - nats\n      - jobs\n'],
    ['one line', ' [mysql, redis, nats, jobs]\n'],
  ])(
    'has every entry of a list waited for that has or gets a health check, written as %s',
    async (_, list) => {
      const compose = `services:
  mysql: { image: "mysql:8.4", environment: { MYSQL_ROOT_PASSWORD: x } }
  redis: { image: "redis:7", healthcheck: { test: ["CMD-SHELL", "redis-cli ping | grep -q PONG"] } }
  nats: { image: "nats:2" }
  jobs: { build: jobs, healthcheck: { test: ["CMD", "true"] } }
  api:
    build: .
    depends_on:${list}  own:
    build: .
    depends_on:
      redis:
        condition: service_started
`
      const folder = treeOf({ 'compose.yaml': compose })
      const { stderr } = await init(folder, '--yes', '--only', 'compose')
      const { services } = parse(read(folder, 'compose.yaml'))
      const healthy = { condition: 'service_healthy' }
      const started = { condition: 'service_started' }
      expect(services.api.depends_on).toEqual({
        mysql: healthy,
        redis: healthy,
        nats: started,
        jobs: healthy,
      })
      expect(services.own.depends_on).toEqual({ redis: started })
      expect(stderr).not.toContain('api: it starts at')
      expect(stderr).toContain('own: it starts at service_started of redis, as is written')
      expect((await init(folder, '--yes', '--only', 'compose')).stderr).toContain('nothing to write')
    },
  )

  test('keeps a health check of its author, and its weakness is named with the line', async () => {
    const compose =
      'services:\n  db:\n    image: postgres:17\n    healthcheck: { test: ["CMD-SHELL", "pg_isready -U x"] }\n  mq: { image: nats:2 }\n'
    const folder = treeOf({ 'compose.yml': compose })
    const { stderr } = await init(folder, '--yes', '--only', 'compose')
    expect(read(folder, 'compose.yml')).toBe(compose)
    expect(stderr).toContain('compose.yml:2: db: its health check asks over the Unix socket')
    expect(stderr).toContain('compose.yml:5: mq: no health check is written')
  })

  test('is read without its overlay, which is said', async () => {
    const folder = treeOf({ 'compose.yaml': COMPOSE, 'compose.override.yml': 'services: {}\n' })
    const { stderr } = await init(folder, '--yes', '--only', 'compose')
    expect(stderr).toContain('compose.override.yml is not read')
    expect(read(folder, 'compose.override.yml')).toBe('services: {}\n')
  })

  test('that is no YAML is left as it is, with the place', async () => {
    const folder = treeOf({ ...NODE, 'compose.yaml': 'services:\n  db: [\n' })
    const { status, stderr } = await init(folder, '--yes')
    expect(status).toBe(0)
    expect(stderr).toMatch(/compose\.yaml:\d+:\d+: it cannot be read/)
    expect(read(folder, 'compose.yaml')).toBe('services:\n  db: [\n')
  })
})

describe('the workflow', () => {
  test('gets services and a step before the tests, in the job that runs them', async () => {
    const folder = treeOf(shop)
    await init(folder, '--yes', '--only', 'workflow')
    const text = read(folder, '.github/workflows/ci.yml')
    const { jobs } = parse(text)
    expect(jobs.lint).toEqual({ 'runs-on': 'ubuntu-latest', steps: [{ run: 'make lint' }] })
    expect(Object.keys(jobs.test.services)).toEqual(['db', 'cache'])
    expect(jobs.test.services.db.options).toContain(
      `--health-cmd "PGPASSWORD=$POSTGRES_PASSWORD psql -h 127.0.0.1 -U $POSTGRES_USER -d $POSTGRES_DB -c 'SELECT 1'"`,
    )
    expect(jobs.test.env).toEqual({
      DATABASE_URL: 'postgresql://shop:postgres@localhost:5432/shop',
      REDIS_URL: 'redis://localhost:6379/0',
    })
    expect(jobs.test.steps.map((step: { run?: string }) => step.run)).toEqual([
      undefined,
      'npx --yes holdfast wait',
      'npm test',
    ])
    expect(text).toContain('holdfast wait\n      # The slow part.\n      - run: npm test\n')
    expect(text).toContain('on: push # every branch\n')
  })

  test('has the names and the databases of the Compose file, and passwords of its own', async () => {
    const folder = treeOf({
      ...NODE,
      '.env': 'PW=s3cr3t-word\nADMIN=root-of-all\n',
      'compose.yaml': `services:
  db:
    image: mysql:8.0
    environment: { MYSQL_USER: app, MYSQL_PASSWORD: "$PW", MYSQL_DATABASE: "\${DB:-shop}" }
  pg:
    image: postgres:16
    environment: [ "POSTGRES_USER=$ADMIN", "POSTGRES_PASSWORD=$PW", POSTGRES_DB=stock ]
  cache: { image: "redis:7" }
  web:
    build: .
    environment:
      MYSQL_URL: mysql://app:s3cr3t-word@db/shop
      DATABASE_URL: postgres://u:s3cr3t-word@pg/stock
      REDIS_URL: redis://cache:6379/0
      CELERY_BROKER_URL: redis://cache:6379/1
`,
    })
    await init(folder, '--yes', '--only', 'workflow')
    const text = read(folder, '.github/workflows/holdfast.yml')
    expect(text).not.toMatch(/s3cr3t-word|root-of-all/)
    const { test: job } = parse(text).jobs
    expect(job.env).toEqual({
      MYSQL_URL: 'mysql://root:root@localhost:3306/shop',
      DATABASE_URL: 'postgresql://postgres:postgres@localhost:5432/stock',
      REDIS_URL: 'redis://localhost:6379/0',
      CELERY_BROKER_URL: 'redis://localhost:6379/1',
    })
    expect(job.services.db.env).toEqual({ MYSQL_ROOT_PASSWORD: 'root', MYSQL_DATABASE: 'shop' })
    expect(job.services.db.options).toContain(
      `--health-cmd "mysql -h 127.0.0.1 --protocol=tcp -u root -p$MYSQL_ROOT_PASSWORD -e 'SELECT 1'"`,
    )
    expect((await init(folder, '--yes', '--only', 'workflow')).stderr).toContain('nothing to write')
  })

  test('has one job looked after; the others that run tests are named', async () => {
    const more = `${WORKFLOW}  e2e:\n    runs-on: ubuntu-latest\n    steps: [{ run: npx playwright test }]\n`
    const folder = treeOf({ ...NODE, '.github/workflows/ci.yml': more })
    const { stderr } = await init(folder, '--yes', '--only', 'workflow')
    expect(stderr).toContain('ci.yml: job e2e runs tests, too; job test alone is looked after')
    expect(stderr).not.toContain('job lint')
    expect(Object.keys(parse(read(folder, '.github/workflows/ci.yml')).jobs.e2e)).toEqual([
      'runs-on',
      'steps',
    ])
  })

  test('uses the login of a service that is there, and gives it a health check', async () => {
    const own = WORKFLOW.replace(
      '    steps:\n',
      '    services:\n      postgres:\n        image: postgres:16\n        env: { POSTGRES_USER: app, POSTGRES_PASSWORD: pw, POSTGRES_DB: shop }\n        ports: ["5433:5432"]\n    steps:\n',
    )
    const folder = treeOf({
      'package.json': '{ "dependencies": { "pg": "8" } }',
      '.github/workflows/ci.yml': own,
    })
    await init(folder, '--yes', '--only', 'workflow')
    const { test: job } = parse(read(folder, '.github/workflows/ci.yml')).jobs
    expect(Object.keys(job.services)).toEqual(['postgres'])
    expect(job.services.postgres.options).toContain('--health-cmd')
    expect(job.env.DATABASE_URL).toBe('postgresql://app:pw@localhost:5433/shop')
  })
})

test('a job in a container without Node gets services by their names, and no step that it could not run', async () => {
  const inside = WORKFLOW.replace(
    '    steps:\n      - uses',
    '    container: python:3.12\n    steps:\n      - uses',
  ).replace('npm test', 'pytest')
  const folder = treeOf({ ...DJANGO, '.github/workflows/ci.yml': inside })
  expect((await init(folder, '--yes')).stderr).toContain(
    'job test runs in python:3.12, which may have no Node',
  )
  const { test: job } = parse(read(folder, '.github/workflows/ci.yml')).jobs
  expect([job.env.DB_HOST, job.env.REDIS_URL]).toEqual(['postgres', 'redis://redis:6379'])
  expect(job.steps).toHaveLength(2)
  expect((await init(folder, '--yes')).stderr).toContain('nothing to write')
})

test('a file that is no UTF-8, and a pipe, are left alone', async () => {
  const folder = treeOf(NODE)
  writeFileSync(
    join(folder, 'compose.yaml'),
    Buffer.from('services: { d\xe9: { image: postgres } }\n', 'latin1'),
  )
  execFileSync('mkfifo', [join(folder, '.env')])
  const { status, stderr } = await init(folder, '--yes')
  expect([status, stderr]).toEqual([0, expect.stringContaining('compose.yaml: it cannot be read')])
  expect(readFileSync(join(folder, 'compose.yaml'), 'latin1')).toBe(
    'services: { d\xe9: { image: postgres } }\n',
  )
})

describe('the entrypoint', () => {
  test('of an image with Node is a program that hands over', async () => {
    const folder = treeOf(shop)
    const { stderr } = await init(folder, '--yes', '--only', 'entrypoint')
    expect(contentsOf(folder)['entrypoint.sh']).toMatch(
      /^7[0-7]5 #!\/bin\/sh\n[\s\S]*exec .*holdfast-entrypoint "\$@"\n$/,
    )
    expect(stderr).toContain('add to Dockerfile: COPY entrypoint.sh ./ and ENTRYPOINT ["./entrypoint.sh"]')
    execFileSync('sh', ['-n', join(folder, 'entrypoint.sh')])
  })

  test('is not written for an image without Node, which is said', async () => {
    const folder = treeOf({ ...DJANGO, Dockerfile: 'FROM node:22 AS assets\nFROM python:3.12-slim\n' })
    expect((await init(folder, '--yes')).stderr).toContain(
      'no entrypoint is written, since its image has no Node or no shell',
    )
    expect(contentsOf(folder)).not.toHaveProperty('entrypoint.sh')
  })
})

describe('nothing is written', () => {
  test('without a terminal and without --yes; the difference is shown and the status is 1', async () => {
    const folder = treeOf(shop)
    const before = contentsOf(folder)
    const { status, stdout, stderr } = await init(folder)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('+++ b/compose.yaml')
    expect(stderr).toContain('nothing was written; --yes writes it')
    expect(contentsOf(folder)).toEqual(before)
  })

  test('by --dry-run, whose status is 0', async () => {
    const folder = treeOf(shop)
    const before = contentsOf(folder)
    expect((await init(folder, '--dry-run')).status).toBe(0)
    expect(contentsOf(folder)).toEqual(before)
  })

  test.each([
    ['n\r', 1],
    ['\x04', 1],
  ])('on a terminal after the answer %j', async (answer, status) => {
    const folder = treeOf(NODE)
    const run = spawnHoldfast(['init'], { cwd: folder, tty: true })
    await run.waitForStdout(/\[y\/N\]/)
    run.write(answer)
    expect((await run.exited).status).toBe(status)
    expect(Object.keys(contentsOf(folder)).sort()).toEqual(Object.keys(NODE).sort())
  })

  test('over a file of the same name with other content, but by --force', async () => {
    const folder = treeOf({ ...NODE, 'holdfast.config.yaml': '# mine\ntargets: {}\n' })
    expect((await init(folder, '--yes', '--only', 'config')).stderr).toContain('holdfast.config.yaml is kept')
    expect(read(folder, 'holdfast.config.yaml')).toBe('# mine\ntargets: {}\n')
    await init(folder, '--yes', '--only', 'config', '--force')
    expect(read(folder, 'holdfast.config.yaml')).toContain('DATABASE_URL: {')
  })

  test('where one of the files cannot be: none of them, and one line says which', async () => {
    const folder = treeOf({ ...NODE, '.github': 'a file where a folder belongs' })
    const before = contentsOf(folder)
    const { status, stderr } = await init(folder, '--yes', '-q')
    expect(status).toBe(78)
    expect(stderr).toMatch(
      /^holdfast: \.github\/workflows\/holdfast\.yml: cannot be written: .*Nothing was written\n$/,
    )
    expect(contentsOf(folder)).toEqual(before)
  })

  test('in a tree that is read-only', async () => {
    const folder = treeOf(shop)
    const before = contentsOf(folder)
    const entry = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url))
    const line =
      'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$1" "$2" init --yes -q'
    const run = () =>
      execFileSync('unshare', ['-m', 'sh', '-c', line, folder, process.execPath, entry], { stdio: 'pipe' })
    expect(run).toThrow(
      /holdfast\.config\.yaml: cannot be written: the file system is read-only\. Nothing was written/,
    )
    expect(contentsOf(folder)).toEqual(before)
  })
})

test('the answer y on a terminal writes', async () => {
  const folder = treeOf(NODE)
  const run = spawnHoldfast(['init'], { cwd: folder, tty: true })
  await run.waitForStdout(/Write these 2 files\? \[y\/N\]/)
  run.write('y\r')
  expect((await run.exited).status).toBe(0)
  expect(read(folder, 'holdfast.config.yaml')).toContain('DATABASE_URL: {')
})

test('the mode of a file and the link to it stay', async () => {
  const folder = treeOf({ ...NODE, 'deploy/compose.yaml': COMPOSE })
  symlinkSync('deploy/compose.yaml', join(folder, 'compose.yaml'))
  chmodSync(join(folder, 'deploy/compose.yaml'), 0o640)
  await init(folder, '--yes', '--only', 'compose')
  expect(contentsOf(folder)['deploy/compose.yaml']).toMatch(/^640 [\s\S]*healthcheck:/)
  expect(read(folder, 'compose.yaml')).toBe(read(folder, 'deploy/compose.yaml'))
})

test('no secret of the tree is shown, in the text or in the JSON', async () => {
  const folder = treeOf({
    ...shop,
    '.env': 'API_TOKEN=tok-1234567\nAMQP_URL=amqp://app:amqp-word@mq/\n',
    'compose.yaml': COMPOSE.replace(
      'image: redis:7\n',
      'image: redis:7\n    command: ["redis-server", "--requirepass", "redis-word"]\n',
    ),
  })
  const runs = [
    await init(folder, '--dry-run'),
    await init(folder, '--dry-run', '--json'),
    await init(folder, '--yes'),
  ]
  for (const { stdout, stderr } of runs)
    expect(stdout + stderr).not.toMatch(/s3cr3t-word|tok-1234567|amqp-word|redis-word/)
  for (const path of ['holdfast.config.yaml', '.github/workflows/ci.yml'])
    expect(read(folder, path)).not.toMatch(/-word|tok-/)
  expect(read(folder, 'compose.yaml')).toContain('s3cr3t-word')
})

describe('a wrong call is one message with status 64', () => {
  test.each([
    [['nowhere'], /nowhere: there is no such folder/],
    [['file'], /file: it is no folder/],
    [
      ['--only', 'compos'],
      /--only: "compos" is not one of config, compose, entrypoint, workflow; did you mean compose\?/,
    ],
    [['--format', 'github'], /--format: "github" is none of init's/],
    [['--junit', 'x.xml'], /--junit: init takes none/],
    [['--yes', '--dry-run'], /--yes contradicts --dry-run/],
    [['a', 'b'], /init takes one DIR, not 2/],
    [['empty'], /empty: nothing here connects to a service\. Looked for package\.json, .*holdfast init DIR/],
    [
      ['plain'],
      /nothing here connects to a service\. It has Node \(package\.json\), and none of it names a service/,
    ],
  ])('%j', async (args, message) => {
    const folder = treeOf({ file: '', 'plain/package.json': '{}' })
    mkdirSync(join(folder, 'empty'))
    const { status, stdout, stderr } = await init(folder, ...args)
    expect([status, stdout]).toEqual([64, ''])
    expect(stderr).toMatch(message)
    expect(stderr.split('\n')).toHaveLength(2)
  })
})

test('a file that was changed while the question was open is not overwritten', async () => {
  const folder = treeOf({ 'compose.yaml': COMPOSE })
  const run = spawnHoldfast(['init', '--only', 'compose'], { cwd: folder, tty: true })
  await run.waitForStdout(/Write this file\? \[y\/N\]/)
  writeFileSync(join(folder, 'compose.yaml'), 'services: {}\n')
  run.write('y\r')
  const { status, stdout } = await run.exited
  expect([status, stdout]).toEqual([78, expect.stringContaining('it was changed in the meantime')])
  expect(contentsOf(folder)).toEqual({ 'compose.yaml': expect.stringContaining('services: {}') })
})
