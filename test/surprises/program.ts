/** Runs one part of a program in a process of its own, so that a crash is one: `program.cjs PART POOL`, told by its parent. */
import pg from 'pg'
import type { Pool } from '../../src/client/pg/types.js'
import * as ours from '../../src/client/pg.js'
import { cases } from './cases.js'
import { soak } from './soak.js'
import { surprises } from './surprises.js'
import type { Kind, Make } from './world.js'

/** The one line in which the programs differ; node-postgres has other names for some limits, and the rest not at all. */
const poolOf: Record<Kind, Make> = {
  ours: (url, options = {}) => (ours as never as { createPool: Make }).createPool(url, options),
  bare: (url, { max, query_timeout, acquireTimeoutMillis } = {}) => {
    const limits = { max, query_timeout, connectionTimeoutMillis: acquireTimeoutMillis }
    return new pg.Pool({ connectionString: url, ...limits }) as unknown as Pool
  },
}

const [, , part = '', kind = 'ours'] = process.argv
const parts: Record<string, (told: never, make: Make) => Promise<unknown>> = {
  ...surprises,
  cases,
  soak,
}

process.once('message', async told => {
  const said = await parts[part]?.(told as never, poolOf[kind as Kind])
  process.send?.({ said }, () => process.exit(0))
})
