import { expect, test } from 'vitest'
import { fakeService, fakeTarget, type Login } from '../../test/support/fake-service.js'
import { systemClock } from '../io/clock.js'
import { liveOf } from './live.js'

/** What is asked of a service whose sessions do this. */
async function asked(session: Login['session'], login: Login = {}) {
  const service = fakeService(systemClock, () => ({ ...login, ...(session ? { session } : {}) }))
  const told = await liveOf([{ target: fakeTarget(), service, probe: {} }], {
    timeoutMs: 60_000,
  })
  return { ...told, logins: service.logins.length, left: service.left }
}

const HEALTH = { facts: { superuser: true }, concerns: [] }

test('each server is asked once, and its session closed', async () => {
  expect(await asked({ health: async () => HEALTH })).toEqual({
    live: [{ target: 'db', health: HEALTH }],
    silent: [],
    logins: 1,
    left: 0,
  })
})

test('one that takes a moment for a login is asked all the same', async () => {
  const { live } = await asked({ health: async () => HEALTH }, { takesMs: 50 })
  expect(live).toHaveLength(1)
})

test('one that does not tell is named', async () => {
  const refusing = async () => Promise.reject(new Error('no'))
  expect(await asked({ health: refusing })).toMatchObject({ live: [], silent: ['db'], left: 0 })
  expect(await asked(undefined, { fails: 'too-many-connections' })).toMatchObject({
    silent: ['db'],
    logins: 1,
  })
})

test('a service that has nothing to tell is none of them', async () => {
  expect(await asked(undefined)).toMatchObject({ live: [], silent: [], left: 0 })
})
