import { expect, test } from 'vitest'
import { handedWishes, withVariables } from './wishes.js'

test('what options said is read again from the variables that are handed on', () => {
  const wishes = {
    ...{ configFile: '/project/other.json', needs: ['icu', 'redis.streams,acl'], allowStandIn: true },
    ...{ allowSkip: false, timeoutMs: 1500, attemptTimeoutMs: 250 },
  }
  const handed = handedWishes({ ...wishes, require: ['db'] }, { HOLDFAST_REQUIRE: 'redis' })
  expect(handed.HOLDFAST_REQUIRE).toBe('db,redis')
  expect(withVariables({}, handed)).toEqual({
    ...wishes,
    needs: ['icu,redis.streams,acl'],
    services: undefined,
  })
  expect(handedWishes({}, {})).toEqual({})
})

test('a configuration is named wherever COMMAND goes', () => {
  expect(handedWishes({ configFile: 'a/b.json' }, {}).HOLDFAST_CONFIG).toBe(`${process.cwd()}/a/b.json`)
})
