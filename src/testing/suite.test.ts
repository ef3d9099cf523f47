import { expect, test } from 'vitest'
import { enter } from './environment.js'
import type { Provided } from './provided.js'
import { servicesOf } from './suite.js'

test('the environment of the services leads to the database of the test that is running', () => {
  const provided: Provided = {
    ...{ name: 'db', service: 'postgres', decision: 'real', message: '', url: 'postgres://h/shared' },
    env: { HOLDFAST_TEST_SUITE_DB: 'shared' },
  }
  const services = servicesOf(['db'], [provided])
  const leave = enter({ HOLDFAST_TEST_SUITE_DB: 'own' })
  const during = services.env.HOLDFAST_TEST_SUITE_DB
  leave()
  expect([during, services.env.HOLDFAST_TEST_SUITE_DB]).toEqual(['own', 'shared'])
})
