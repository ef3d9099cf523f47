import { describe, expect, test } from 'vitest'
import type { ReasonId } from '../../core/reasons.js'
import { classifyRedis } from './classify.js'

describe('the prefix of a reply', () => {
  const prefixes: [ReasonId, string[]][] = [
    ['server-not-ready', ['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'BUSY']],
    ['resource-exhausted', ['OOM', 'MISCONF']],
    ['authentication-failed', ['NOAUTH', 'WRONGPASS']],
    ['access-denied', ['NOPERM', 'DENIED']],
    ['protocol-mismatch', ['MOVED', 'ASK']],
    ['read-only', ['READONLY', 'NOREPLICAS']],
    [
      'query-error',
      ['ERR', 'WRONGTYPE', 'EXECABORT', 'NOSCRIPT', 'BUSYKEY', 'BUSYGROUP', 'NOGROUP', 'CROSSSLOT'],
    ],
  ]
  test.each(prefixes.flatMap(([reason, list]) => list.map(prefix => [prefix, reason] as const)))(
    '%s means %s, with or without the sign of an error before it',
    (prefix, reason) => {
      for (const message of [`${prefix} as it is`, `-${prefix} as it is`, prefix])
        expect(classifyRedis({ message })).toMatchObject({ reason, code: prefix, message })
      expect(classifyRedis({ message: `${prefix} as it is` })).not.toHaveProperty('byText')
    },
  )

  test.each([
    ['NOAUTH Authentication required.', 'redis://:PASSWORD@host'],
    ['DENIED Redis is running in protected mode', 'set a password'],
    ['MASTERDOWN Link with MASTER is down', 'connect to the primary'],
  ])('of "%s" has advice of its own', (message, advice) => {
    expect(classifyRedis({ message })?.advice).toContain(advice)
  })
})

test.each<[string, ReasonId]>([
  ['ERR max number of clients reached', 'too-many-connections'],
  ['ERR max number of clients + cluster connections reached', 'too-many-connections'],
  ['ERR DB index is out of range', 'database-not-found'],
  ['ERR invalid DB index', 'database-not-found'],
  ['ERR Client sent AUTH, but no password is set', 'authentication-failed'],
  [
    'ERR AUTH <password> called without any password configured for the default user. Are you sure?',
    'authentication-failed',
  ],
  ['ERR invalid password', 'authentication-failed'],
])('"%s" is told by its text to be %s, and flagged so', (message, reason) => {
  expect(classifyRedis({ message })).toMatchObject({ reason, code: 'ERR', message, byText: true })
})

test('a password that the server does not want is answered by how to leave it out', () => {
  const finding = classifyRedis({ message: 'ERR Client sent AUTH, but no password is set' })
  expect(finding?.advice).toContain('leave it out of the address')
})

test.each([
  null,
  undefined,
  'LOADING',
  {},
  { message: 7 },
  { message: 'Connection is closed.' },
  { message: 'STRANGE x' },
])('what is no reply that Redis makes, %j, is left to others', error =>
  expect(classifyRedis(error)).toBeUndefined(),
)

test('a word that only begins like a prefix is none', () => {
  expect(classifyRedis({ message: 'ERRONEOUS thing' })).toBeUndefined()
  expect(classifyRedis({ message: 'loading' })).toBeUndefined()
  expect(classifyRedis({ message: 'ERR: strange' })).toBeUndefined()
})
