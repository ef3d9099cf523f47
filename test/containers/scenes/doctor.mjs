/** What doctor says from where the program runs. */
import assert from 'node:assert/strict'
import { ADDRESSES } from '../world.mjs'

export const doctor = [
  {
    name: 'doctor from the container: both services are well',
    async run(world) {
      await world.ready()
      const { status, text } = await world.holdfast(['doctor', '--all'])
      assert.equal(status, 0, text)
      return text.trim().split('\n').at(-1)
    },
  },
  {
    name: 'doctor from the container names DB_HOST=localhost',
    async run(world) {
      const env = { ...ADDRESSES, DATABASE_URL: 'postgres://shop:kelp-forest@localhost:5432/shop' }
      const { status, text } = await world.holdfast(['doctor'], { env })
      assert.equal(status, 69, text)
      assert.match(text, /localhost/)
      assert.match(text, /container/)
      return text.trim().split('\n').at(-1)
    },
  },
]
