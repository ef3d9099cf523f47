import { createRequire } from 'node:module'
import type { ChdbSaid, ChdbTask } from '../clickhouse/chdb.js'
import { type Engine, serveClickHouse } from '../clickhouse/front.js'
import { serveParent } from '../owned/parent.js'

interface ChdbModule {
  readonly Session: new (path: string) => Engine
}

serveParent<ChdbTask>(async ({ chdb, data, password }): Promise<ChdbSaid> => {
  const { Session } = createRequire(chdb)(chdb) as ChdbModule
  const engine = new Session(data)
  const version = engine.query('SELECT version()', 'TabSeparated').trim()
  return { port: await serveClickHouse({ engine, password }), version }
})
