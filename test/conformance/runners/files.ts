/**
 * The test files of the little project: the same text for every runner, below what its face declares. `mark` notes
 * what ran; `open` says which of the variables' addresses is in the environment.
 */
export const FILES = {
  plain: `
const services = requireServices('postgres')
mark('top: ' + services.postgres.decision)
beforeAll(() => mark('beforeAll'))
beforeEach(() => mark('beforeEach'))
afterEach(() => mark('afterEach'))
afterAll(() => mark('afterAll ' + environment()))
test('is at the top', () => {
  const { postgres, env } = services
  mark('test: ' + postgres.decision + ' ' + (postgres.url === env.DATABASE_URL) + ' ' + (postgres.url === process.env.DATABASE_URL))
})
describe('a block', () => {
  beforeAll(() => mark('inner beforeAll'))
  beforeEach(() => mark('inner beforeEach'))
  test('is inside', () => mark('inner test'))
  describe('a block in it', () => {
    test('is further inside', () => mark('innermost test'))
  })
})
`,
  block: `
describe('the block that needs it', () => {
  const services = requireServices('postgres')
  beforeAll(() => mark('needing beforeAll ' + environment()))
  test('asks the database', () => mark('needing test: ' + services.postgres.decision + ' ' + environment()))
  afterAll(() => mark('needing afterAll ' + environment()))
})
describe('the block beside it', () => {
  beforeAll(() => mark('other beforeAll ' + environment()))
  test('needs nothing', () => mark('other test ' + environment()))
})
test('needs nothing either', () => mark('top test'))
`,
  several: `
const services = requireServices('redis', 'postgres')
test('needs both', () => mark(services.redis.decision + ' ' + services.postgres.decision))
`,
  combined: `
requireServices('redis')
describe('a block of more', () => {
  const { postgres } = requireServices('postgres')
  test('needs both, one by one', () => mark(postgres.decision))
})
test('needs the first alone', () => mark('first'))
`,
  needs: `
describe('what a stand-in has', () => {
  requireServices('postgres', { needs: ['concurrency'] })
  test('works at the same time', () => mark('concurrency'))
})
describe('what no stand-in has', () => {
  requireServices('postgres', { needs: ['tls'] })
  test('is encrypted', () => mark('tls'))
})
`,
  awaited: `
const services = await requireServices.async('postgres')
beforeAll(() => mark('beforeAll'))
test('was awaited', () => mark('test: ' + services.postgres.decision))
`,
  blockAwaited: `
describe('a block that awaits', async () => {
  const services = await requireServices.async('postgres')
  beforeAll(() => mark('beforeAll'))
  test('was awaited in a block', () => mark('test: ' + services.postgres.decision))
})
describe('a block beside it', () => {
  test('awaits nothing', () => mark('other test'))
})
`,
  fixture: `
test('asks for one', async ({ postgres }) => mark('test: ' + postgres.decision + ' ' + (postgres.url === postgres.env.DATABASE_URL)))
test('asks for two', async ({ redis, postgres: db }) => mark('both: ' + redis.decision + ' ' + db.decision))
test('asks for none', async () => mark('none'))
`,
  retried: `
let tries = 0
test('passes when it is tried again', { retry: 1 }, async ({ postgres }) => {
  mark('try: ' + postgres.decision)
  if (++tries === 1) throw new Error('once')
})
`,
  isolated: `
const own = test.with({ migrate: 'node migrate.cjs', files: ['migrate.cjs'] })
const notes = async url => {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query("INSERT INTO note (text) VALUES ('mine')")
  const { rows } = await client.query('SELECT count(*)::int AS n FROM note')
  await client.end()
  return rows[0].n
}
const name = url => new URL(url).pathname.slice(1)
own('leads all variables to its database', async ({ postgres }) => {
  // By libpq's variables.
  const client = new Client()
  await client.connect()
  const { rows } = await client.query('SELECT current_database() AS name')
  await client.end()
  const led = [process.env, postgres.env].flatMap(env => [env.PGDATABASE, env.DB_NAME, name(env.APP_DB), name(env.DATABASE_URL)])
  mark('led ' + [rows[0].name, ...led].every(one => one === name(postgres.url)))
})
for (const nth of ['first', 'second'])
  own('a database of its own, the ' + nth, async ({ postgres }) => {
    mark('notes ' + (await notes(postgres.url)) + ' ' + (postgres.env.DATABASE_URL === postgres.url))
    mark('database ' + name(postgres.url))
  })
own.with({ isolation: 'none' })('shares what there is', async ({ postgres }) => {
  mark('shared ' + (postgres.url === postgres.env.DATABASE_URL) + ' ' + name(postgres.url).startsWith('holdfast_'))
})
own.with({ isolation: 'transaction' })('has a transaction', async ({ postgres }) => {
  await postgres.client.query("INSERT INTO note (text) VALUES ('rolled back')")
  const { rows } = await postgres.client.query('SELECT count(*)::int AS n FROM note')
  mark('in a transaction ' + rows[0].n)
})
`,
  failing: `
const own = test.with({ migrate: 'node migrate.cjs', files: ['migrate.cjs'], keepFailed: true })
own('fails, and its database is kept', async ({ postgres }) => {
  mark('database ' + new URL(postgres.url).pathname.slice(1))
  throw new Error('on purpose')
})
`,
  misplaced: `
let built
test('requires inside', () => {
  mark('inside')
  built = requireServices('postgres')
  mark('not reached')
})
describe('a block whose hook requires', () => {
  beforeAll(() => { built = requireServices('postgres') })
  test('is behind the hook', () => mark('behind'))
})
test('comes afterwards', () => mark('afterwards ' + environment() + ' ' + (built === undefined)))
`,
  settings: `
const told = settings => {
  try {
    test.with(settings)
  } catch (error) {
    mark(error.message)
  }
}
told({ isolatoin: 'schema' })
told({ isolation: 'databas' })
test('is there', () => {})
`,
  expected: `
failing('is known not to work', async ({ postgres }) => { mark('ran'); throw new Error('as ever') })
describe('a block of it', () => {
  requireServices('postgres')
  failing('nor does this', () => { mark('ran'); throw new Error('as ever') })
})
`,
  unmigrated: `
const broken = { migrate: 'echo no such column >&2; exit 3', files: ['migrate.cjs'] }
failing.with(broken)('has no database', async ({ postgres }) => mark('ran'))
`,
  ofNode: `
import { test as native } from 'node:test'
native('of node, beside', () => mark('beside'))
describe('a block that skips', () => {
  requireServices('mysql')
  test('ours', () => mark('ours'))
  native('of node, inside', () => mark('inside'))
})
test('has subtests', async t => {
  await t.test('a subtest', async ({ postgres }) => mark('subtest ' + postgres.decision))
  await t.test('another', async ({ mysql }) => mark('another'))
  await t.test('a third', async t => mark('third ' + typeof t.diagnostic))
})
test('names what is not there', async ({ postgress }) => mark('named'))
test('is to come, and needs what is missing', { todo: true }, async ({ mysql }) => mark('todo'))
`,
} as const

/** Migrates once per content, and notes it. */
export const MIGRATION = `
const { Client } = require('pg')
require('node:fs').appendFileSync(process.env.MARKS, 'migrate ran\\n')
const { APP_DB, DB_HOST: host, DB_PORT: port, DB_USER: user, DB_PASSWORD: password, DB_NAME: database } = process.env
if (new URL(APP_DB).pathname !== '/' + database) throw new Error('APP_DB leads elsewhere')
const client = new Client({ host, port, user, password, database })
client.connect()
  .then(() => client.query('CREATE TABLE note (text text)'))
  .then(() => client.end())
`

export type FileName = keyof typeof FILES

/** What every file begins with, after its face's prelude. */
export const common = (name: string) => `
const FILE = ${JSON.stringify(name)}
const mark = text => fs.appendFileSync(process.env.MARKS, FILE + ' ' + text + '\\n')
const environment = () => (process.env.DATABASE_URL === process.env.GIVEN_URL ? 'given' : process.env.DATABASE_URL ? 'changed' : 'unset')
`
