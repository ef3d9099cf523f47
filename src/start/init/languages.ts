import type { Kind } from '../../model/images.js'
import type { Tree } from './tree.js'

/** One language of the project, and how its tests run. */
export interface Language {
  readonly name: 'Node' | 'Python' | 'Go'
  /** The file that shows it. */
  readonly by: string
  readonly framework?: 'Django'
  /** The services whose drivers it depends on. */
  readonly needs: readonly Kind[]
  readonly setup: { readonly uses: string; readonly with: Readonly<Record<string, string>> }
  readonly install: readonly string[]
  readonly test: string
}

/** What `init` looks for, for whoever has none of it. */
export const LOOKED_FOR =
  'package.json, pyproject.toml, requirements*.txt, manage.py, go.mod, a Compose file, .github/workflows'

export const languagesOf = (tree: Tree): Language[] =>
  [nodeOf(tree), pythonOf(tree), goOf(tree)].filter(one => one !== undefined)

/** Drivers by service: names of packages, or what their import paths contain. */
const NODE: readonly (readonly [Kind, RegExp])[] = [
  ['postgres', /^(pg|pg-promise|postgres|pg-native|@prisma\/adapter-pg|slonik)$/],
  ['mysql', /^(mysql|mysql2|mariadb)$/],
  ['redis', /^(redis|ioredis|bullmq|bull|bee-queue|@redis\/client|connect-redis|iovalkey)$/],
  ['clickhouse', /^(@clickhouse\/client|clickhouse)$/],
  ['mongodb', /^(mongodb|mongoose)$/],
  ['rabbitmq', /^(amqplib|amqp-connection-manager|rascal)$/],
  ['nats', /^(nats|@nats-io\/.*)$/],
  ['kafka', /^(kafkajs|@confluentinc\/kafka-javascript|node-rdkafka)$/],
  ['memcached', /^(memjs|memcached)$/],
]

const PYTHON: readonly (readonly [Kind, RegExp])[] = [
  ['postgres', /^(psycopg|psycopg2|psycopg2-binary|psycopg-binary|asyncpg|pg8000|aiopg)$/],
  ['mysql', /^(mysqlclient|pymysql|mysql-connector-python|aiomysql|asyncmy)$/],
  ['redis', /^(redis|django-redis|aioredis|rq|valkey)$/],
  ['clickhouse', /^(clickhouse-connect|clickhouse-driver|asynch)$/],
  ['mongodb', /^(pymongo|motor|mongoengine|beanie)$/],
  ['rabbitmq', /^(pika|aio-pika|amqp)$/],
  ['nats', /^nats-py$/],
  ['kafka', /^(kafka-python|confluent-kafka|aiokafka)$/],
  ['memcached', /^(pymemcache|pylibmc|python-memcached)$/],
]

const GO: readonly (readonly [Kind, RegExp])[] = [
  ['postgres', /\/(pgx(\/v\d+)?|pq|go-pg(\/v\d+)?|pgdriver)$|\/driver\/postgres$/],
  ['mysql', /go-sql-driver\/mysql$|\/driver\/mysql$/],
  ['redis', /\/(go-redis|redigo|rueidis|valkey-go|redis)(\/v\d+)?$/],
  ['clickhouse', /\/clickhouse-go(\/v\d+)?$/],
  ['mongodb', /mongo-driver(\/v\d+)?$/],
  ['rabbitmq', /\/amqp(091-go)?$/],
  ['nats', /nats-io\/nats\.go$/],
  ['kafka', /\/(kafka-go|sarama|franz-go|confluent-kafka-go(\/v\d+)?)$/],
  ['memcached', /\/gomemcache$/],
]

const kinds = (names: readonly string[], table: typeof NODE): Kind[] =>
  table.flatMap(([kind, pattern]) => (names.some(name => pattern.test(name)) ? [kind] : []))

/** Prisma and Django name the database by provider or engine. */
const PROVIDERS: Readonly<Record<string, Kind>> = {
  postgresql: 'postgres',
  postgres: 'postgres',
  mysql: 'mysql',
  mongodb: 'mongodb',
}

function nodeOf(tree: Tree): Language | undefined {
  const text = tree.read('package.json')
  if (text === undefined) return undefined
  let manifest: Record<string, unknown> = {}
  try {
    manifest = (JSON.parse(text) as typeof manifest | null) ?? {}
  } catch {
    // Of a manifest that cannot be read only its being there counts.
  }
  const parts = [manifest.dependencies, manifest.devDependencies, manifest.optionalDependencies]
  const names = parts.flatMap(part => Object.keys((part ?? {}) as object))
  const provider = /provider\s*=\s*"(\w+)"/.exec(
    (tree.read('prisma/schema.prisma') ?? '').replace(/generator[^}]*\}/g, ''),
  )?.[1]
  const prisma = PROVIDERS[provider ?? '']
  const scripts = (manifest.scripts ?? {}) as Readonly<Record<string, unknown>>
  const tool = tree.has('pnpm-lock.yaml') ? 'pnpm' : tree.has('yarn.lock') ? 'yarn' : 'npm'
  const install = {
    pnpm: 'corepack enable && pnpm install --frozen-lockfile',
    yarn: 'corepack enable && yarn install --immutable',
    npm: tree.has('package-lock.json') ? 'npm ci' : 'npm install',
  }
  return {
    name: 'Node',
    by: 'package.json',
    needs: [...new Set([...kinds(names, NODE), ...(prisma ? [prisma] : [])])],
    setup: { uses: 'actions/setup-node@v4', with: { 'node-version': '22' } },
    install: [install[tool]],
    // What npm init writes is no test.
    test:
      typeof scripts.test !== 'string' || scripts.test.includes('no test specified')
        ? 'node --test'
        : `${tool} test`,
  }
}

function pythonOf(tree: Tree): Language | undefined {
  const lists = tree.list('.').filter(name => /^requirements.*\.txt$/.test(name))
  const by = tree.first(['manage.py', 'pyproject.toml', ...lists, 'setup.py', 'Pipfile'])
  if (!by) return undefined
  const project = tree.read('pyproject.toml') ?? ''
  const texts = [
    ...lists.map(name => tree.read(name) ?? ''),
    project,
    tree.read('setup.py') ?? '',
    tree.read('Pipfile') ?? '',
  ]
  const names = texts.flatMap(text =>
    [...text.matchAll(/^[\s"']*([A-Za-z][\w.-]*)|["']([A-Za-z][\w.-]*)/gm)].map(([, bare, quoted]) =>
      (bare ?? quoted ?? '').toLowerCase().replaceAll('_', '-'),
    ),
  )
  const django = tree.has('manage.py')
  const engine = /django\.db\.backends\.(\w+)/.exec(settingsOf(tree).join('\n'))?.[1]
  const database = PROVIDERS[engine ?? '']
  const install = tree.has('uv.lock')
    ? ['pip install uv', 'uv sync']
    : tree.has('poetry.lock')
      ? ['pip install poetry', 'poetry install']
      : lists.length > 0
        ? [`pip install ${lists.map(name => `-r ${name}`).join(' ')}`]
        : ['pip install -e .']
  const runner = tree.has('uv.lock') ? 'uv run ' : tree.has('poetry.lock') ? 'poetry run ' : ''
  const pytest = names.some(name => /^pytest/.test(name)) || tree.has('pytest.ini') || tree.has('conftest.py')
  return {
    name: 'Python',
    by,
    ...(django ? { framework: 'Django' } : {}),
    needs: [...new Set([...kinds(names, PYTHON), ...(database ? [database] : [])])],
    setup: { uses: 'actions/setup-python@v5', with: { 'python-version': '3.12' } },
    install,
    test: `${runner}${pytest ? 'python -m pytest' : django ? 'python manage.py test' : 'python -m unittest'}`,
  }
}

/** The texts of Django's settings. */
export function settingsOf(tree: Tree): string[] {
  const folders = tree.has('manage.py')
    ? ['.', ...tree.list('.').filter(name => !name.startsWith('.'))]
    : ['.']
  const paths = folders.flatMap(folder => [
    `${folder}/settings.py`,
    ...tree
      .list(`${folder}/settings`)
      .filter(name => name.endsWith('.py'))
      .map(name => `${folder}/settings/${name}`),
  ])
  return paths.flatMap(path => tree.read(path) ?? [])
}

function goOf(tree: Tree): Language | undefined {
  const text = tree.read('go.mod')
  if (text === undefined) return undefined
  const names = [...text.matchAll(/^\s*(?:require\s+)?([\w.-]+\.[\w.-]+\/\S+)\s+v/gm)].map(
    ([, name = '']) => name,
  )
  return {
    name: 'Go',
    by: 'go.mod',
    needs: kinds(names, GO),
    setup: { uses: 'actions/setup-go@v5', with: { 'go-version-file': 'go.mod' } },
    install: ['go mod download'],
    test: 'go test ./...',
  }
}
