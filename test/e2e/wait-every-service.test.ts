import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Real } from '../conformance/subject.js'
import { SUBJECTS } from '../conformance/subjects.js'
import { refused } from '../support/peers.js'
import { sharedPostgres } from '../support/shared.js'
import { waitJson } from './outcome.js'

let all: readonly (readonly [name: string, real: Real])[] = []
beforeAll(async () => {
  all = await Promise.all(SUBJECTS.map(async ({ name, start }) => [name, await start()] as const))
})
afterAll(() => Promise.all(all.map(([, real]) => real.remove())))

const addresses = () => all.map(([name, { address }]) => `${name}=${address}`)

test('one wait takes every service at once', async () => {
  const { status, document } = await waitJson([...addresses(), '--timeout', '15s'])
  expect(Object.fromEntries(document.targets.map(one => [one.name, one.state]))).toEqual(
    Object.fromEntries(SUBJECTS.map(({ name }) => [name, 'ready'])),
  )
  expect(status).toBe(0)
})

test('each has a verdict of its own where some are ready, one is absent and one will never be', async () => {
  const { host, port } = await refused()
  const more = [`absent=redis://${host}:${port}`, `locked=${sharedPostgres().url({ password: 'wrong' })}`]
  const { status, document } = await waitJson([...more, ...addresses(), '--grace', '2s', '--timeout', '15s'])
  const [absent, locked, ...others] = document.targets
  expect(absent).toMatchObject({ state: 'waiting', reason: 'connection-refused', layer: 'tcp' })
  expect(locked).toMatchObject({ state: 'broken', reason: 'authentication-failed', code: '28P01' })
  expect(others.map(({ service, state }) => [service, state])).toEqual(
    SUBJECTS.map(({ name }) => [name, 'ready']),
  )
  expect(status).toBe(78)
})
