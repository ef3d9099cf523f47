import { expect, test } from 'vitest'
import { planTests } from './plan.js'
import type { Served } from './served.js'
import { handoversOf } from './variables.js'

const APP = 'postgres://127.0.0.1/app'
const OTHER = 'postgres://127.0.0.1/other'

/** Which variable takes the address of each target, where all are there. */
async function places(targets: string[], only = targets.length) {
  const env = { DATABASE_URL: APP }
  const { needs } = await planTests({ targets }, env)
  const served = needs.map(need => ({ ...need, choice: { decision: 'real' } }) as unknown as Served)
  const found = await handoversOf(served.slice(-only), env, needs)
  return Object.fromEntries(found.map(({ name, url, fallback }) => [name, url && fallback]))
}

test('a variable that names one target is not led to another, in whichever order they come', async () => {
  const expected = { db: undefined, other: 'OTHER_URL' }
  expect(await places(['db=env:DATABASE_URL', `other=${OTHER}`])).toEqual(expected)
  expect(await places([`other=${OTHER}`, 'db=env:DATABASE_URL'])).toEqual(expected)
})

test('also where only the other one is asked for', async () => {
  expect(await places(['db=env:DATABASE_URL', `other=${OTHER}`], 1)).toEqual({ other: 'OTHER_URL' })
})

test('of two that no variable names the first takes the usual one', async () => {
  expect(await places([`a=${OTHER}`, `b=${OTHER}2`])).toEqual({ a: 'DATABASE_URL', b: 'B_URL' })
})
