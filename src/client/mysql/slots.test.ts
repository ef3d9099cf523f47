import { expect, test } from 'vitest'
import { Slots } from './slots.js'

test('who waits gets a place in turn, and who gave up takes none', async () => {
  const slots = new Slots(1)
  const never = new AbortController().signal
  await slots.take(never)
  const tired = new AbortController()
  const [first, second] = [slots.take(tired.signal), slots.take(never)]
  tired.abort(new Error('tired'))
  await expect(first).rejects.toThrow('tired')
  slots.give()
  await second
  slots.give()
  await slots.take(never)
})
