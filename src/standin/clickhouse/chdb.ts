import { startChild } from '../owned/child.js'
import { startInFrame } from '../owned/frame.js'
import { requirePackages } from '../owned/packages.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/** What children/clickhouse.ts is asked to do. */
export interface ChdbTask {
  /** The main file of chdb. */
  readonly chdb: string
  /** Where it keeps its data. */
  readonly data: string
  readonly password: string
}

/** What it says once it listens. */
export interface ChdbSaid {
  readonly port: number
  /** Of ClickHouse. */
  readonly version: string
}

/**
 * Starts chdb, ClickHouse's engine as a library, behind HTTP in a process of its own: on 127.0.0.1 with a random
 * password, user `holdfast`, database `default`. Statements run one after another. 0.5 s.
 */
export async function startChdb(options: StandInOptions): Promise<StandIn> {
  return startInFrame(options, { product: 'chdb', short: 'chd' }, async frame => {
    const { cwd, password } = frame
    const [chdb] = requirePackages(cwd, 'chdb')
    if (!chdb) throw new Error('one package was asked for')
    const task: ChdbTask = { chdb: chdb.main, data: frame.makeDirectory(), password }
    const child = { name: 'clickhouse', product: 'chdb', task, heapMb: 512 }
    const { port, version } = await startChild<ChdbSaid>(child, frame)
    return {
      ...{ service: 'clickhouse', name: 'chdb', version },
      label: `chdb ${chdb.version} (ClickHouse ${version}, in process)`,
      url: `clickhouse://holdfast:${password}@127.0.0.1:${port}/default`,
    }
  })
}
