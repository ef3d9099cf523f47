import { expect, test } from 'vitest'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import { isExempt } from './subject.js'
import { SUBJECTS } from './subjects.js'

test('every service of the registry is in the suite', () => {
  const registered = new Set([...SCHEMES.values()].map(({ service }) => service)).add('exec')
  expect(new Set(SUBJECTS.map(({ name }) => name))).toEqual(registered)
})

test.each(SUBJECTS)('$name is called so by its service, and can what is said of it', async subject => {
  const { name, abilities } = await loadService(subject.name)
  expect(name).toBe(subject.name)
  expect(abilities).toEqual(subject.abilities)
})

test.each(SUBJECTS)('$name says why wherever a row does not apply to it', subject => {
  for (const row of Object.values(subject)) if (isExempt(row)) expect(row.exempt).toMatch(/\w+ \w+/)
})
