import { expect, onTestFinished, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { type PostgresOptions, startPostgres } from '../support/postgres.js'
import { tempFolder } from '../support/root.js'
import { differences } from './documents.js'
import { silencing } from './production.js'

interface Document {
  readonly stages: readonly {
    readonly stage: string
    readonly state: string
    readonly message?: string
    readonly findings?: readonly {
      readonly id: string
      readonly level: string
      readonly message: string
      readonly silenced?: string
    }[]
  }[]
}

interface World {
  readonly server?: PostgresOptions
  readonly db?: object
  readonly silence?: Readonly<Record<string, string>>
}

/** The tests themselves may run in one. */
const HERE = { 'localhost-in-container': 'the server is beside the test' }

/** A server of its own, and a configuration whose deploy stage fails from warnings on. */
async function world({ server: options, db = {}, silence = {} }: World = {}) {
  const server = await startPostgres(options)
  onTestFinished(() => server.remove())
  const cwd = tempFolder('live')
  silencing(cwd, {
    targets: { db: { url: 'env:DATABASE_URL', ...db } },
    check: { failLevel: 'warning', silence: { ...HERE, ...silence } },
  })
  const run = (...args: string[]) =>
    holdfast(['run', ...args], { cwd, env: { DATABASE_URL: server.url() }, timeoutMs: 30_000 })
  /** How the deploy stage ended. */
  const deploy = async (...args: string[]) => {
    const { status, json, stderr } = await run('--json', ...args)
    const document = json<Document>()
    expect(differences(document)).toEqual([])
    const stage = document.stages.find(one => one.stage === 'deploy')
    const ids = (stage?.findings ?? [])
      .filter(({ level, silenced }) => level !== 'info' && silenced === undefined)
      .map(({ id }) => id)
    return { status, stderr, ...stage, ids }
  }
  return { server, run, deploy }
}

const superuser = async ({ server }: Awaited<ReturnType<typeof world>>) =>
  void (await server.sql('ALTER ROLE app SUPERUSER'))

test('a role with all rights, by whatever name, ends the start with 78', async () => {
  const made = await world()
  await superuser(made)
  const { status, stdout, stderr } = await made.run('--', 'echo', 'RAN')
  expect({ status, stdout }, stderr).toEqual({ status: 78, stdout: '' })
  expect(stderr).toMatch(/deploy +failed +superuser-role: db: app is a superuser/)
  expect(stderr).toMatch(/→ .*\n +ALTER ROLE app NOSUPERUSER/)
})

test('an ordinary role that proves its password passes, and the server was asked', async () => {
  const { server, deploy } = await world({ server: { settings: { log_statement: 'all' } } })
  const { status, state, message, ids, stderr } = await deploy()
  expect({ status, state, message, ids }, stderr).toEqual({
    status: 0,
    state: 'passed',
    message: undefined,
    ids: [],
  })
  expect(server.log()).toContain('pg_settings')
})

test('a line of pg_hba.conf that trusts a network is found, whoever logs in by another', async () => {
  const hba = ['host all app 127.0.0.1/32 scram-sha-256', 'host all all 10.0.0.0/8 trust']
  const made = await world({ server: { hba }, silence: { 'superuser-role': 'to read the rules' } })
  await superuser(made)
  const { status, ids, findings = [] } = await made.deploy()
  expect({ status, ids }).toEqual({ status: 78, ids: ['hba-trust'] })
  expect(findings.find(({ id }) => id === 'superuser-role')?.silenced).toBe('to read the rules')
})

test('a pool is judged by what the server allows, and not by what servers usually do', async () => {
  const small = await world({ server: { maxConnections: 20 }, db: { pool: { max: 7, processes: 3 } } })
  expect(await small.deploy()).toMatchObject({
    status: 78,
    message: expect.stringMatching(
      /^pool-too-large: db: 3 pools of 7, 21 connections: more than the 20 connections that the server allows$/,
    ),
  })
  const large = await world({ server: { maxConnections: 300 }, db: { pool: { max: 150 } } })
  expect(await large.deploy()).toMatchObject({ status: 0, ids: [] })
})

test('what is silenced passes, with its reason', async () => {
  const silence = { 'superuser-role': 'a database for trials', 'pool-too-large': 'never all of it' }
  const made = await world({ server: { maxConnections: 20 }, db: { pool: { max: 99 } }, silence })
  await superuser(made)
  const { status, findings = [] } = await made.deploy()
  expect(status).toBe(0)
  const silenced = Object.fromEntries(findings.flatMap(one => (one.silenced ? [[one.id, one.silenced]] : [])))
  expect(silenced).toMatchObject(silence)
})

test('a finding of any level that makes the stage fail is shown with what to do, also in the document', async () => {
  const made = await world()
  const { status, stderr } = await made.run('--fail-level', 'info')
  expect(status).toBe(78)
  expect(stderr).toMatch(/^ {2}info no-timeouts \(db, env:DATABASE_URL\): .*\n {4}→ /m)
  const { findings = [] } = await made.deploy('--fail-level', 'info')
  expect(findings).toContainEqual(expect.objectContaining({ id: 'no-timeouts', advice: expect.any(String) }))
})
