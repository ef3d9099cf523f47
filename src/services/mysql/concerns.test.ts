import { expect, test } from 'vitest'
import { type Account, concernsOf } from './concerns.js'

const seen = (facts: Parameters<typeof concernsOf>[0], open: Account[] = []) =>
  concernsOf(facts, 'app@%', open).flatMap(concern => (concern ? [`${concern.level} ${concern.id}`] : []))

test.each([
  [{}, []],
  [{ superuser: true }, ['warning superuser-role']],
  [{ readOnly: true }, ['warning read-only']],
  [{ replica: true, replicating: false }, ['error replication-stopped']],
  [{ replica: true, replicating: true, replicationLagMs: 61_000 }, ['warning replication-lag']],
  [{ replica: true, replicating: true, replicationLagMs: 60_000 }, []],
  [{ strictMode: false }, ['info not-strict']],
  [{ refusedConnections: 1 }, ['info connections-refused']],
  [{ refusedConnections: 0, strictMode: true, readOnly: false, superuser: false }, []],
])('%j', (facts, expected) => {
  expect(seen(facts)).toEqual(expected)
})

test.each([
  ['app@10.%', "REVOKE SUPER ON *.* FROM 'app'@'10.%';"],
  ['root@localhost', expect.stringMatching(/^CREATE USER 'app'@/)],
])('the right SUPER of %s has a statement that fits it', (user, fix) => {
  expect(concernsOf({ superuser: true }, user, []).find(one => one)).toMatchObject({ fix })
})

test('accounts that anybody may use count by where they may come from', () => {
  const account = { name: "'x'@'%'", host: '%', lacks: 'a password' } as const
  expect(seen({}, [account])).toEqual(['warning no-password'])
  expect(seen({}, [{ ...account, host: 'localhost' }])).toEqual(['info no-password'])
  expect(seen({}, [{ ...account, lacks: 'a name' }])).toEqual(['warning anonymous-account'])
})
