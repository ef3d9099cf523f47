import { expect, test } from 'vitest'
import { parseTarget, type Target } from '../../../core/target.js'
import type { Verdict } from '../../../core/verdict.js'
import { loadService, SCHEMES } from '../../../services/registry.js'
import { type Difference, weighed } from './difference.js'
import { drivers } from './drivers.js'

async function look(
  address: string,
  finding?: { reason: 'database-not-found' | 'tls-failure'; code?: string },
  more: Partial<Target> = {},
) {
  const target = { ...parseTarget(address, { schemes: SCHEMES }), ...more }
  const service = await loadService(target.service)
  const verdict: Verdict = {
    target: 't',
    ready: false,
    steps: [],
    heard: true,
    layer: 'tcp',
    finding: { reason: 'connection-refused', message: 'no', ...finding },
  }
  const { concerns } = await drivers({
    target,
    service,
    verdict,
    sources: [],
    env: {},
    signal: new AbortController().signal,
  })
  return concerns.map(({ id, fix }) => (fix ? `${id}: ${fix}` : id))
}

test.each([
  ['postgres:///app?host=/run', ['postgres-js-socket', 'postgres-js-parameters']],
  ['postgres://app@db/app?sslmode=require&channel_binding=require', ['postgres-js-parameters']],
  ['postgres://app@db/app?application_name=x&connect_timeout=3&schema=y', []],
  ['mysql://app@/app?host=/run/m.sock', ['mysql2-socket: socketPath=/run/m.sock']],
  ['postgresql+asyncpg://app@db/app?sslmode=require', ['asyncpg-sslmode: ssl=require', 'dialect-scheme']],
  ['postgresql+psycopg2://app@db/app?sslmode=require', ['dialect-scheme']],
  ['mysql+pymysql://app@db/app', ['dialect-scheme']],
  ['postgres://app@db/app', []],
  ['host=db dbname=app', ['libpq-connection-string']],
  [
    'postgres://db/app?sslmode=verify-full&sslrootcert=system',
    ['node-postgres-system-ca: sslmode=verify-full', 'postgres-js-parameters'],
  ],
  ['mysql+unix://app@/run/m.sock', ['mysql2-socket: socketPath=/run/m.sock']],
  ['mysql://app@db/app?sslmode=verify-full', ['mysql2-sslmode: ssl={"rejectUnauthorized":true}']],
  ['mysql://app@db/app', []],
  ['redis://cache?sslmode=require', ['redis-sslmode: rediss://']],
  ['rediss://cache?sslmode=require', []],
])('of %s drivers take otherwise: %j', async (address, concerns) => {
  expect(await look(address)).toEqual(concerns)
})

test('a Redis database that is not there is written to as number 0 by ioredis', async () => {
  expect(await look('redis://cache/99', { reason: 'database-not-found' })).toEqual(['ioredis-database-zero'])
})

test('what only the files of libpq have is lacking elsewhere', async () => {
  const origins = new Map([
    ['host', 'service file ~/.pg_service.conf [shop] line 2'],
    ['password', 'password file ~/.pgpass line 1'],
  ])
  expect(await look('postgres:///app?service=shop', undefined, { origins })).toEqual([
    'service-file-unread',
    'password-file-unread',
    'postgres-js-parameters',
  ])
})

test('a host name that the certificate lacks is no hindrance to mysql2', async () => {
  const finding = { reason: 'tls-failure', code: 'ERR_TLS_CERT_ALTNAME_INVALID' } as const
  expect(await look('mysql://app@db/app', finding)).toEqual(['mysql2-host-name'])
})

test('what some drivers see otherwise is a warning where the program uses one of them, else something to know', () => {
  const one: Difference = { id: 'x', level: 'warning', message: 'm', drivers: ['pg', 'postgres'] }
  expect(weighed(one, new Set(['postgres']))).toEqual({ id: 'x', level: 'warning', message: 'm' })
  expect(weighed(one, new Set(['knex']))).toEqual({ id: 'x', level: 'info', message: 'm' })
  const { drivers: _, ...certain } = one
  expect(weighed(certain, new Set())).toMatchObject({ level: 'warning' })
})
