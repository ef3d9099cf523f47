import { expect, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { fakeService, fakeTarget, type Login } from '../../test/support/fake-service.js'
import type { Aim } from '../gate/outcome.js'
import { Looks } from './looks.js'
import type { Offline } from './offline.js'

const GONE: Login = { fails: 'host-unreachable', at: 'tcp' }

/** A run whose services are at these hosts, and what each does. */
function run(hosts: Readonly<Record<string, Login>>, offline: Offline = 'detect') {
  const clock = new FakeClock()
  const services = Object.entries(hosts).map(([host, login]) => {
    const service = fakeService(clock, () => login)
    const aim: Aim = { target: { ...fakeTarget(host), hosts: [{ host, port: 1 }] }, service }
    return { aim, service }
  })
  const plan = {
    ...{ timeoutMs: 10_000, attemptTimeoutMs: 4000, availabilityMs: 0, offline },
    needs: [{ aim: undefined }, ...services.map(({ aim }) => ({ aim }))],
  }
  const { signal } = new AbortController()
  const looks = new Looks(plan, { logins: new Map(), signal, clock, time: () => clock.now() })
  const logins = () => services.map(({ service }) => service.logins.length)
  return { looks, logins, clock, aims: services.map(({ aim }) => aim) }
}

test('each service is looked at once in a run, whoever asks', async () => {
  const { looks, logins, clock, aims } = run({ '10.0.0.1': {}, '127.0.0.1': {} })
  const [away, here] = aims as [Aim, Aim]
  const first = await clock.run(looks.at(away))
  expect(await clock.run(looks.at(away))).toBe(first)
  await clock.run(Promise.all([looks.at(here), looks.offline(), looks.offline()]))
  expect(logins()).toEqual([1, 1])
})

test('there is no network where no host beyond this machine is reached, and one that is reached is enough', async () => {
  const offline = ({ looks, clock }: ReturnType<typeof run>) => clock.run(looks.offline())
  expect(await offline(run({ '10.0.0.1': GONE, '10.0.0.2': GONE, '127.0.0.1': {} }))).toBe(true)
  expect(await offline(run({ '10.0.0.1': GONE, '10.0.0.2': {} }))).toBe(false)
  expect(await offline(run({ '10.0.0.1': { fails: 'authentication-failed' } }))).toBe(false)
})

test('where nothing beyond this machine is configured nothing tells that there is no network', async () => {
  const { looks, clock } = run({ '127.0.0.1': GONE })
  expect(await clock.run(looks.offline())).toBe(false)
})

test('switched off it is not detected', async () => {
  const { looks, clock, logins } = run({ '10.0.0.1': GONE }, 'never')
  expect(await clock.run(looks.offline())).toBe(false)
  expect(logins()).toEqual([0])
})

test('switched on nothing beyond this machine is asked, and what is on it is', async () => {
  const { looks, clock, logins, aims } = run({ '10.0.0.1': {}, '127.0.0.1': {} }, 'forced')
  const [away, here] = aims as [Aim, Aim]
  expect((await clock.run(looks.at(away))).outcome.verdict).toMatchObject({
    finding: { reason: 'host-unreachable' },
  })
  expect((await clock.run(looks.at(here))).outcome.state).toBe('ready')
  expect(await clock.run(looks.offline())).toBe(true)
  expect(logins()).toEqual([0, 1])
})
