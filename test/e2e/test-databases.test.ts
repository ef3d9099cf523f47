/** `holdfast test` as the IntegreSQL of its COMMAND. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { startPostgres } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'

const CLIENT = fileURLToPath(
  new URL('../../node_modules/@devoxa/integresql-client/dist/src/index.js', import.meta.url),
)

/** A suite in another language would do the same by its own client. */
const SUITE = `
const { IntegreSQLClient } = require(${JSON.stringify(CLIENT)})
const { execFileSync } = require('node:child_process')
const { HOLDFAST_INTEGRESQL_URL: url, INTEGRESQL_CLIENT_BASE_URL, INTEGRESQL_CLIENT_API_VERSION } = process.env
const client = new IntegreSQLClient({ url })
const sql = (config, text) => execFileSync('psql', ['-qXAt', client.databaseConfigToConnectionUrl({
  ...config, password: encodeURIComponent(config.password) }), '-c', text], { encoding: 'utf8' }).trim()
client.initializeTemplate('v1', async config => sql(config, 'CREATE TABLE books AS SELECT 7 AS n'))
  .then(() => client.getTestDatabase('v1'))
  .then(config => console.log(JSON.stringify({
    n: sql(config, 'SELECT n FROM books'),
    go: INTEGRESQL_CLIENT_BASE_URL === url + 'api' && INTEGRESQL_CLIENT_API_VERSION,
  })))
`

const suite = () => {
  const file = join(tempFolder('suite'), 'suite.cjs')
  writeFileSync(file, SUITE)
  return [process.execPath, file]
}

test('on a real server, where nothing of it is left afterwards', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.remove())
  await server.sql('ALTER ROLE app CREATEDB', 'postgres')
  const { stdout, stderr, status } = await holdfast(['test', '--', ...suite()], {
    env: { DATABASE_URL: server.url() },
  })
  expect(status, stderr).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ n: '7', go: 'v1' })
  expect(await server.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'holdfast%'")).toBe('0')
})

test('on a stand-in', async () => {
  const { stdout, stderr, status } = await holdfast(['test', '--', ...suite()])
  expect(status, stderr).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ n: '7', go: 'v1' })
})

test('variables that lead elsewhere are left alone, and nobody has to ask', async () => {
  const env = { INTEGRESQL_CLIENT_BASE_URL: 'http://integresql:5000/api' }
  const { stdout, status } = await holdfast(['test', '--', 'printenv', 'INTEGRESQL_CLIENT_BASE_URL'], { env })
  expect([status, stdout]).toEqual([0, 'http://integresql:5000/api\n'])
})
