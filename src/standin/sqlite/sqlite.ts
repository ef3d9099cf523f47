import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startInFrame } from '../owned/frame.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/**
 * An empty SQLite database in place of `service`: a file that COMMAND's own library opens by `sqlite:////PATH`, as
 * SQLAlchemy and Django write it. No server, and another dialect: for suites that know how to use it.
 */
export function makeSqlite(options: StandInOptions, service: string): Promise<StandIn> {
  return startInFrame(options, { product: 'SQLite', short: 'lit' }, async frame => {
    const file = join(frame.makeDirectory(), 'database.sqlite')
    // A file without a byte is a database without a table.
    writeFileSync(file, '', { mode: 0o600 })
    return {
      ...{ service, name: 'sqlite', version: '3', serverless: true },
      label: 'SQLite (an empty file; another dialect)',
      url: `sqlite:///${file}`,
    }
  })
}
