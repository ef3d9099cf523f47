import { expect, test } from 'vitest'
import { type Context, concernsOf, hbaConcerns } from './concerns.js'

const context: Context = { role: 'app', wanted: undefined, now: new Date('2026-06-01') }
const ids = (facts: Parameters<typeof concernsOf>[0], over: Partial<Context> = {}) =>
  concernsOf(facts, { ...context, ...over }).flatMap(concern => concern?.id ?? [])

test('a server of which nothing is known is no concern', () => {
  expect(ids({})).toEqual([])
})

test.each([
  ['9.6.24', '2021-11-30', []],
  ['9.6.24', '2021-12-01', ['version-unsupported']],
  ['13.23', '2025-11-30', []],
  ['13.23 (Debian 13.23-1)', '2025-12-01', ['version-unsupported']],
  ['18.1', '2030-11-30', []],
  ['18', '2030-12-01', ['version-unsupported']],
])('version %s on %s', (version, day, expected) => {
  expect(ids({ version }, { now: new Date(`${day}T12:00:00Z`) })).toEqual(expected)
})

test.each([
  [undefined, ['standby']],
  ['read-write', ['standby']],
  ['any', []],
  ['standby', []],
  ['prefer-standby', []],
])('a standby, where target_session_attrs is %s', (wanted, expected) => {
  expect(ids({ inRecovery: true, readOnly: true }, { wanted })).toEqual(expected)
})

test('transactions that are read-only are a concern on a primary', () => {
  expect(ids({ inRecovery: false, readOnly: true })).toEqual(['read-only'])
})

test('MD5 is held against the server, and not against a pooler', () => {
  expect(ids({ authMethod: 'md5' })).toEqual(['md5-password'])
  expect(ids({ authMethod: 'md5', via: 'pgbouncer' })).toEqual([])
  expect(ids({ passwordEncryption: 'md5' })).toEqual(['password-encryption-md5'])
})

test('a lag and a wait for a lock count from their limits on', () => {
  expect(ids({ replicationLagMs: 60_000, lockWaitMs: 5000 })).toEqual([])
  expect(ids({ replicationLagMs: 60_001, lockWaitMs: 5001 })).toEqual(['long-lock-wait', 'replication-lag'])
})

test('a role with capitals is quoted in what is to be pasted', () => {
  const [concern] = concernsOf({ statementTimeoutMs: 0 }, { ...context, role: 'My"App' }).filter(Boolean)
  expect(concern?.fix).toBe(`ALTER ROLE "My""App" SET statement_timeout = '30s';`)
})

test('lines that trust a network are named, with what to write instead', () => {
  const rule = { databases: ['all'], users: ['all'], netmask: null, method: 'trust', error: null }
  const concerns = hbaConcerns([
    { ...rule, line: 3, type: 'host', address: 'all' },
    { ...rule, line: 4, type: 'local', address: null },
  ])
  expect(concerns).toMatchObject([
    {
      id: 'hba-trust',
      message: expect.stringContaining('line 3 (host all all all trust)'),
      fix: 'host all all all scram-sha-256',
    },
  ])
})

test.each([
  ['app', 'ALTER ROLE app NOSUPERUSER;'],
  ['My App', 'ALTER ROLE "My App" NOSUPERUSER;'],
  ['postgres', expect.stringMatching(/^CREATE ROLE app LOGIN/)],
])('a superuser named %s has a statement that fits it', (role, fix) => {
  const [concern] = concernsOf({ superuser: true }, { ...context, role }).filter(one => one)
  expect(concern).toMatchObject({ id: 'superuser-role', fix })
})
