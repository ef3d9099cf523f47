import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { targetOf } from '../../gate/address.js'
import { createPool } from '../pg.js'
import { SoundClient } from './client.js'
import { settingsOf } from './settings.js'
import { type Way, waysOf } from './ways.js'

const ADDRESS = 'postgres://app:pw-of-address@127.0.0.1:1/app'
const settings = settingsOf({ password: () => 'made', name: 'shop' })

it('a client that is printed shows no password', () => {
  const target = targetOf(ADDRESS, 'postgres')
  const [way] = waysOf(target, settingsOf({ password: 'pw-of-option' })) as [Way]
  const [other] = waysOf(target, settings) as [Way]
  const options = settingsOf({ password: 'pw-of-option' })
  for (const client of [new SoundClient(way, options), new SoundClient(other, settings)])
    for (const text of [inspect(client, { depth: 20 }), JSON.stringify({ ...client, connection: 0 })])
      expect(text).not.toMatch(/pw-of/)
})

it('a pool that is printed shows no password', async () => {
  const pool = createPool(ADDRESS, { connectAttempts: 1 })
  const error = await pool.query('SELECT 1').catch(error => error)
  expect(inspect([pool, error], { depth: 20 })).not.toMatch(/pw-of/)
  await pool.end()
})
