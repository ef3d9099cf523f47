import { expect, test } from 'vitest'
import { mysqlLimits } from './mysql/options.js'
import { redisLimits } from './redis/options.js'

test.each([
  [mysqlLimits, { connectionLimit: 5 }, /option "connectionLimit" is not known: it is max$/],
  [mysqlLimits, { host: 'db' }, /not known: it is part of the address, the first argument$/],
  [mysqlLimits, { maks: 5 }, /Did you mean "max"\?$/],
  [mysqlLimits, { namedPlaceholders: true }, /What is the driver's own goes into "settings"\.$/],
  [redisLimits, { max: 5 }, /it is one connection; connect/],
  [redisLimits, null, /^holdfast\/redis: options are null, and have to be an object$/],
])('$name, %j: what to write instead', (limits, options, message) => {
  expect(() => limits(options as never)).toThrow(message)
})
