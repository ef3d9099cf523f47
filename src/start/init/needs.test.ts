import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SCHEMES } from '../../services/registry.js'
import { mentions, needsOf } from './needs.js'
import { projectOf } from './project.js'
import { Tree } from './tree.js'

function needs(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-needs-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return needsOf(projectOf(new Tree(folder)), SCHEMES).map(({ name, kind, by }) => [
    name,
    kind,
    'url' in by ? by.url : by.family,
  ])
}

test.each<readonly [string, Record<string, string>, readonly (readonly string[])[]]>([
  [
    'drivers of Node',
    { 'package.json': '{"dependencies":{"mysql2":"3","bullmq":"5"}}' },
    [
      ['mysql', 'mysql', 'DATABASE_URL'],
      ['redis', 'redis', 'REDIS_URL'],
    ],
  ],
  [
    'a schema of Prisma',
    {
      'package.json': '{}',
      'prisma/schema.prisma':
        'generator c {\n provider = "prisma-client-js"\n}\ndatasource db {\n provider = "postgresql"\n url = env("DATABASE_URL")\n}',
    },
    [['postgres', 'postgres', 'DATABASE_URL']],
  ],
  [
    'drivers of Python',
    { 'pyproject.toml': '[project]\nname = "x"\ndependencies = ["asyncpg>=0.30", "redis[hiredis]"]' },
    [
      ['postgres', 'postgres', 'DATABASE_URL'],
      ['redis', 'redis', 'REDIS_URL'],
    ],
  ],
  [
    'Django’s engine',
    {
      'manage.py': '',
      'app/settings/base.py': "'ENGINE': 'django.db.backends.mysql', 'HOST': os.getenv('DB_HOST')",
    },
    [['mysql', 'mysql', 'db']],
  ],
  [
    'drivers of Go',
    {
      'go.mod':
        'module x\nrequire github.com/lib/pq v1.10.9\nrequire github.com/ClickHouse/clickhouse-go/v2 v2.30.0\n',
    },
    [
      ['postgres', 'postgres', 'DATABASE_URL'],
      ['clickhouse', 'clickhouse', 'CLICKHOUSE_URL'],
    ],
  ],
  [
    'an address under a name of its own',
    { '.env': 'CELERY_BROKER=amqp://mq/\nSITE=https://example.com' },
    [['rabbitmq', 'rabbitmq', 'CELERY_BROKER']],
  ],
  [
    'one address in two variables',
    { '.env.example': 'DATABASE_URL=postgres://db/a\nDIRECT_URL=postgres://db/a\n' },
    [['postgres', 'postgres', 'DATABASE_URL']],
  ],
  ['libpq’s variables', { '.env': 'PGHOST=db\nPGUSER=a\n' }, [['postgres', 'postgres', 'pg']]],
  [
    'servers of Compose',
    { 'compose.yaml': 'services: { store: { image: "mongo:7" }, app: { build: . } }' },
    [['store', 'mongodb', 'MONGODB_URI']],
  ],
  [
    'two databases',
    { 'compose.yaml': 'services: { a: { image: postgres }, b: { image: mysql } }' },
    [
      ['a', 'postgres', 'DATABASE_URL'],
      ['b', 'mysql', 'MYSQL_URL'],
    ],
  ],
  ['nothing', { 'package.json': '{ broken', '.env': 'PORT=1' }, []],
])('%s', (_, files, expected) => {
  expect(needs(files)).toEqual(expected)
})

test.each([
  ['db', true],
  ['db:5432', true],
  ['postgres://u:p@db/x', true],
  ['a,db', true],
  ['mydb', false],
  ['db2', false],
  ['postgres://db.example.com/x', false],
])('%s mentions db: %s', (value, expected) => {
  expect(mentions(value, 'db')).toBe(expected)
})
