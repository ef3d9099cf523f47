import { expect, test } from 'vitest'
import { beside, merged } from './looking.js'

test('what the address says and what the session tells stand beside each other', () => {
  expect(beside({ host: 'db', tls: 'prefer' }, { tls: true, port: 5432 })).toEqual({
    host: 'db',
    givenTls: 'prefer',
    tls: true,
    port: 5432,
  })
  expect(beside({ port: '5432' }, { port: '5432' })).toEqual({ port: '5432' })
})

test('a concern that is the fault itself is not told twice', () => {
  const look = (id: string) => ({
    facts: { [id]: 1 },
    concerns: [{ id, level: 'error' as const, message: id }],
  })
  const seen = [look('unknown-name'), look('localhost-in-container'), look('other')]
  const ids = (fault?: Parameters<typeof merged>[1]) => merged(seen, fault).concerns.map(({ id }) => id)
  expect(ids()).toHaveLength(3)
  expect(ids('dns-failure')).toEqual(['localhost-in-container', 'other'])
  expect(ids('connection-refused')).toEqual(['unknown-name', 'other'])
  expect(Object.keys(merged(seen, 'dns-failure').facts)).toHaveLength(3)
})
