import { lockKey } from './names.js'
import { isLeftover, type OwnerRecord, readRecord } from './record.js'
import type { Server } from './server.js'
import { dropStatements } from './template.js'

/** Our databases on the server that belong to this role, in lots, since a session reads no more rows at once. */
const LIST = `SELECT json_agg(json_build_array(datname, shobj_description(oid, 'pg_database')))
  FROM pg_database WHERE datname LIKE 'holdfast\\_%' AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)`

/**
 * Drops what crashed runs left: databases whose name starts with `holdfast_`, that carry our record, and whose maker is
 * gone; finished templates and kept databases after a week. Resolves with their names.
 */
export async function sweep(server: Server): Promise<string[]> {
  const [[row] = []] = await server.run([LIST], 'background')
  const swept: string[] = []
  for (const [name, comment] of JSON.parse(row?.[0] ?? '[]') as [string, string | null][]) {
    const record = readRecord(comment)
    if (record && isLeftover(record) && (await drop(server, name, record))) swept.push(name)
  }
  return swept
}

/** A template only while nobody builds or uses it, whatever its record says. */
async function drop(server: Server, name: string, { kind }: OwnerRecord): Promise<boolean> {
  if (kind === 'clone') await server.run(dropStatements(server, name), 'background')
  if (kind !== 'template') return kind === 'clone'
  return server.with(async ask => {
    const key = lockKey(name)
    const [[row] = []] = await ask([`SELECT pg_try_advisory_lock(${key})`])
    if (row?.[0] !== 't') return false
    try {
      await ask(dropStatements(server, name))
    } finally {
      await ask([`SELECT pg_advisory_unlock(${key})`])
    }
    return true
  }, 'background')
}
