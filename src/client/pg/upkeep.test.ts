import { EventEmitter } from 'node:events'
import { expect, onTestFinished, test, vi } from 'vitest'
import { settingsOf } from './settings.js'
import type { PoolOptions } from './types.js'
import { Upkeep } from './upkeep.js'

/** An upkeep over a pool that does as told; `made` says how often a client was made. */
function kept(options: PoolOptions, make: (made: number) => Error | undefined = () => undefined) {
  const askers = { ended: false, end: async () => {} }
  const internals = Object.assign(new EventEmitter(), {
    ...{ _clients: [] as object[], _idle: [] as { client: object }[], _pendingQueue: [], made: 0 },
    _pulseQueue: vi.fn(),
    _remove(client: object, done: () => void) {
      internals._idle = internals._idle.filter(one => one.client !== client)
      internals._clients = internals._clients.filter(one => one !== client)
      internals.emit('remove', client)
      done()
    },
    newClient({ callback }: { callback: (error: Error | undefined, client?: object) => void }) {
      const error = make(++internals.made)
      const client = { release: vi.fn() }
      if (!error) internals._clients.push(client)
      callback(error, error ? undefined : client)
    },
  })
  const settings = settingsOf({ backoffMillis: 1, healthCheckMillis: 0, min: 1, ...options })
  const pool = { name: 'test', settings, internals, askers, open: new Set() }
  const upkeep = new Upkeep(pool as never)
  onTestFinished(async () => {
    askers.ended = true
    await upkeep.end(async () => {})
  })
  return internals
}

test('min is made up where the first attempt failed, and when a connection is gone', async () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const internals = kept({}, made => (made === 1 ? refused : undefined))
  await vi.waitFor(() => expect(internals._clients).toHaveLength(1), { interval: 1 })
  internals._remove(internals._clients[0] as object, () => {})
  await vi.waitFor(() => expect(internals._clients).toHaveLength(1), { interval: 1 })
  expect(internals.made).toBe(3)
})

test('a rejected password is not sent again to make up min', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const rejected = Object.assign(new Error('password'), { code: '28P01', severity: 'FATAL' })
  const internals = kept({}, () => rejected)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(internals.made).toBe(1)
})

test('an idle connection that fails its check leaves the pool, and who waits is served', async () => {
  const internals = kept({ healthCheckMillis: 1, min: 0 })
  const client = { validate: () => Promise.reject(new Error('gone')), destroy: vi.fn(), heardAt: -1e9 }
  internals._clients.push(client)
  internals._idle.push({ client })
  await vi.waitFor(() => expect(internals._clients).toEqual([]), { interval: 1 })
  expect(client.destroy).toHaveBeenCalledOnce()
  expect(internals._pulseQueue).toHaveBeenCalledOnce()
})
