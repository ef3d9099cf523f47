import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parseDocument, type ScalarTag } from 'yaml'

const shop = fileURLToPath(new URL('../../examples/shop', import.meta.url))
const text = (name: string) => readFileSync(join(shop, name), 'utf8')

interface Service {
  image?: string
  command?: string[]
  entrypoint?: string[]
  environment?: Record<string, unknown>
  ports?: string[]
  volumes?: string[]
  secrets?: string[]
  tmpfs?: string[]
  read_only?: boolean
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
}
interface Compose {
  services: Record<string, Service>
  secrets?: Record<string, { file: string }>
}

/** `!reset VALUE`: what Compose takes away. */
const RESET = Symbol('reset')
const reset = (collection?: 'seq'): ScalarTag =>
  ({ tag: '!reset', ...(collection ? { collection } : {}), resolve: () => RESET }) as unknown as ScalarTag

function parse<T>(name: string): T {
  const document = parseDocument(text(name), { merge: true, customTags: [reset(), reset('seq')] })
  expect([...document.errors, ...document.warnings]).toEqual([])
  return document.toJS() as T
}

describe('compose.yaml', () => {
  const { services } = parse<Compose>('compose.yaml')

  test('asks every service of others over TCP, the database with a query', () => {
    for (const name of ['db', 'redis'])
      expect(services[name]?.healthcheck?.test?.join(' ')).toContain('-h 127.0.0.1')
    expect(services.db?.healthcheck?.test?.join(' ')).toContain('SELECT 1')
  })

  test('starts app and worker after both are healthy', () => {
    for (const name of ['app', 'worker'])
      expect(services[name]?.depends_on).toEqual({
        db: { condition: 'service_healthy' },
        redis: { condition: 'service_healthy' },
      })
  })

  test('gives the programs the host names, ports and credentials of its services', () => {
    const { SHOP_PASSWORD } = services.db?.environment ?? {}
    expect(services.app?.environment).toEqual({
      DATABASE_URL: `postgres://shop:${SHOP_PASSWORD}@db:5432/shop`,
      REDIS_URL: 'redis://redis:6379',
    })
    expect(services.worker?.environment).toEqual(services.app?.environment)
  })

  test('lets the image make a role for people, and an init script the one of the shop, with another password', () => {
    const { environment, volumes } = services.db ?? {}
    expect(environment?.POSTGRES_USER).toBe('postgres')
    expect(environment?.POSTGRES_PASSWORD).not.toBe(environment?.SHOP_PASSWORD)
    expect(volumes).toContain('./initdb:/docker-entrypoint-initdb.d:ro')
    // The image runs what may be executed, and reads everything else into its own shell.
    expect(statSync(join(shop, 'initdb/10-shop.sh')).mode & 0o111).toBe(0o111)
  })

  test('publishes ports to this machine only', () => {
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
  })
})

test('compose.tuned.yaml sizes the database, with more connections than all pools take', () => {
  const { services } = parse<Compose>('compose.tuned.yaml')
  expect(services.db?.command).toEqual([
    'postgres',
    '-cmax_connections=200',
    '-cshared_buffers=256MB',
    '-ceffective_cache_size=1GB',
    '-cwork_mem=4MB',
  ])
  const { targets } = parse<{ targets: { db: { pool: { max: number; processes: number } } } }>(
    'holdfast.config.yaml',
  )
  expect(targets.db.pool.max * targets.db.pool.processes).toBeLessThan(200)
})

describe('compose.hardened.yaml', () => {
  const { services, secrets } = parse<Compose>('compose.hardened.yaml')

  test('has SCRAM for every way in, and no password but in a file', () => {
    const { environment } = services.db ?? {}
    expect(environment?.POSTGRES_HOST_AUTH_METHOD).toBe('scram-sha-256')
    expect(environment?.POSTGRES_INITDB_ARGS).toBe('--auth-host=scram-sha-256 --auth-local=scram-sha-256')
    expect(environment?.POSTGRES_PASSWORD).toBe(RESET)
    expect(services.app?.environment?.DATABASE_URL).toBe('postgres://shop@db:5432/shop')
    expect(environment?.SHOP_PASSWORD).toBe(RESET)
    expect([environment?.POSTGRES_PASSWORD_FILE, environment?.SHOP_PASSWORD_FILE]).toEqual([
      '/run/secrets/postgres_password',
      '/run/secrets/db_password',
    ])
    expect(services.db?.secrets).toEqual(['postgres_password', 'db_password'])
    // The programs do not get the superuser's.
    for (const name of ['app', 'worker']) expect(services[name]?.secrets).toEqual(['db_password'])
    expect(Object.keys(secrets ?? {})).toEqual(['postgres_password', 'db_password'])
  })

  test('publishes no port of the database', () => {
    expect(services.db?.ports).toBe(RESET)
    expect(services.redis?.ports).toBeUndefined()
  })

  test('has read-only containers, with a place for temporary files', () => {
    for (const service of Object.values(services)) {
      expect(service.read_only).toBe(true)
      expect(service.tmpfs).toContain('/tmp')
    }
  })

  test('says the command wherever it replaces the entrypoint', () => {
    const replaced = Object.values(services).filter(({ entrypoint }) => entrypoint)
    expect(replaced.map(({ entrypoint, command }) => [...(entrypoint ?? []), ...(command ?? [])])).toEqual([
      ['./with-secrets.sh', 'holdfast-entrypoint', 'node', 'server.js'],
      ['./with-secrets.sh', 'holdfast-entrypoint', 'node', 'worker.js'],
    ])
  })

  test('keeps the health checks', () => {
    expect(services.db?.healthcheck?.test?.join(' ')).toContain('-h 127.0.0.1')
    for (const name of ['redis', 'app']) expect(services[name]?.healthcheck).toBeUndefined()
  })
})

describe('the Dockerfile', () => {
  const dockerfile = text('Dockerfile')

  test('has the two-stage entrypoint, a user without rights, and a health check without the database', () => {
    expect(dockerfile).toContain('\nENTRYPOINT ["holdfast-entrypoint"]\nCMD ["node", "server.js"]\n')
    expect(dockerfile).toContain('\nUSER node\n')
    expect(dockerfile).toMatch(
      /^HEALTHCHECK .*\\\n +CMD \["holdfast", "wait", "--once", "http:.*\/livez"\]$/m,
    )
  })

  test('copies whatever the configurations name', () => {
    const ignored = text('.dockerignore').split('\n')
    expect(ignored[0]).toBe('*')
    for (const name of [
      'package.json',
      'package-lock.json',
      'migrations',
      'holdfast.config.yaml',
      'with-secrets.sh',
    ]) {
      expect(ignored).toContain(`!${name}`)
      expect(existsSync(join(shop, name)), name).toBe(true)
    }
  })
})

test('the workflow waits before it migrates, and migrates before it tests', () => {
  const { jobs } = parse<{ jobs: { test: { env: Record<string, string>; steps: { run?: string }[] } } }>(
    '.github/workflows/ci.yml',
  )
  const lines = jobs.test.steps.flatMap(({ run }) => run ?? [])
  const order = ['holdfast wait', 'npm run migrate', 'holdfast test'].map(start =>
    lines.findIndex(line => line.startsWith(start)),
  )
  expect(order).toEqual([...order].sort((a, b) => a - b))
  expect(order).not.toContain(-1)
  expect(jobs.test.env.DATABASE_URL).toContain('@127.0.0.1:5432/')
})

test('its own package has the versions that the tests ran with', () => {
  const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> }
  for (const [name, range] of Object.entries(dependencies)) {
    const installed = fileURLToPath(new URL(`../../node_modules/${name}/package.json`, import.meta.url))
    const { version } = JSON.parse(readFileSync(installed, 'utf8')) as { version: string }
    expect(`${name} ${range}`).toBe(`${name} ^${version.replace(/\.\d+$/, '.0')}`)
  }
})
