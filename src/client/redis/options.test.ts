import { expect, test } from 'vitest'
import { connect } from '../redis.js'
import { answerWithin, blocksFor } from './options.js'

test.each([
  ['GET k', undefined],
  ['SET block 1', undefined],
  ['BLPOP a b 2', 2000],
  ['brpop a 0.5', 500],
  ['BLPOP a 0', Number.POSITIVE_INFINITY],
  ['BLMOVE a b LEFT RIGHT 1', 1000],
  ['BRPOPLPUSH a b 3', 3000],
  ['BZPOPMIN a 1', 1000],
  ['BLMPOP 1.5 1 a LEFT', 1500],
  ['BZMPOP 0 1 a MIN', Number.POSITIVE_INFINITY],
  ['WAIT 1 250', 250],
  ['WAITAOF 1 0 250', 250],
  ['XREAD STREAMS s 0', undefined],
  ['XREAD COUNT 1 block 40 STREAMS s $', 40],
  ['XREADGROUP GROUP g c BLOCK 0 STREAMS s >', Number.POSITIVE_INFINITY],
  ['BLPOP a soon', 0],
  ['SUBSCRIBE a', Number.POSITIVE_INFINITY],
])('%s blocks for %s ms', (line, millis) => {
  const [name = '', ...args] = line.split(' ')
  expect(blocksFor(name, args)).toBe(millis)
})

test.each([
  [60_000, undefined, 60_000],
  [60_000, 5000, 65_000],
  [60_000, Number.POSITIVE_INFINITY, undefined],
  // More than a timer can.
  [60_000, 2 ** 31, undefined],
  [0, undefined, undefined],
  [0, 5000, undefined],
])('of %i ms for an answer and %s for blocking it has %s', (limit, blocks, millis) => {
  expect(answerWithin(limit, blocks)).toBe(millis)
})

test.each([
  'redis+cluster://h:1',
  'redis+sentinel://h:26379/mymaster',
  'redis://h?cluster=true',
  'rediss://h?sentinel=mymaster',
  'redis://a,b:6379',
])('%s names what to use instead', async address => {
  await expect(connect(address)).rejects.toThrow(
    /: one server is needed; for several use the Cluster or Sentinel of the driver itself$/,
  )
})

test.each([
  [{ signal: 5 }, 'signal is of type number, and has to be an AbortSignal'],
  [{ settings: 7 }, "settings is of type number, and has to be an object of the driver's options"],
  [{ Redis: 7 }, 'Redis is of type number, and has to be the class of ioredis'],
  [{ createClient: 'x' }, 'createClient is of type string, and has to be the function of node-redis'],
  [{ connectAttempts: 0 }, 'connectAttempts is 0, and has to be a whole number from 1'],
  [{ connectAttempts: 1.5 }, 'connectAttempts is 1.5, and has to be a whole number from 1'],
  [
    { commandTimeoutMillis: 3e9 },
    'commandTimeoutMillis is 3000000000, and has to be a number from 0 to 2147483647',
  ],
])('%o is refused before anything is connected', async (options, message) => {
  const call = connect('redis://127.0.0.1:1', options as object)
  await expect(call).rejects.toMatchObject({ kind: 'usage', message: `holdfast/redis: ${message}` })
})
