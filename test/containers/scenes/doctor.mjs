/** What doctor says from where the program runs. */
import assert from 'node:assert/strict'
import { ADDRESSES } from '../world.mjs'

export const doctor = [
  {
    name: 'doctor from the container: both services are well',
    async run(world) {
      await world.ready()
      await world.once(['node', 'migrate.js'])
      const { status, text } = await world.holdfast(['doctor'])
      assert.equal(status, 0, text)
      assert.match(text, / 5\/5 /)
      return text.trim().split('\n').at(-1)
    },
  },
  {
    name: 'doctor from the container names DB_HOST=localhost',
    async run(world) {
      const env = { ...ADDRESSES, DATABASE_URL: 'postgres://shop:kelp-forest@localhost:5432/shop' }
      const { status, text } = await world.holdfast(['doctor'], { env })
      assert.equal(status, 69, text)
      assert.match(text, /localhost is this container itself/)
      return text.trim().split('\n').at(-1)
    },
  },
]
