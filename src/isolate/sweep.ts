import { sqlLiteral } from '../core/quoting.js'
import { ident, lockKey } from './names.js'
import { isLeftover, type OwnerRecord, readRecord } from './record.js'
import type { Ask, Server } from './server.js'

/** Our databases on the server that belong to this role, in lots, since a session reads no more rows at once. */
const LIST = `SELECT json_agg(json_build_array(datname, shobj_description(oid, 'pg_database')))
  FROM pg_database WHERE datname LIKE 'holdfast\\_%' AND datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user)`

/**
 * Drops what crashed runs left: databases whose name starts with `holdfast_`, that carry our record under this name, and
 * whose maker is gone; finished templates and kept databases after a week; never while somebody is connected. Resolves with their names.
 */
export async function sweep(server: Server): Promise<string[]> {
  const [[row] = []] = await server.run([LIST], 'background')
  const swept: string[] = []
  for (const [name, comment] of JSON.parse(row?.[0] ?? '[]') as [string, string | null][]) {
    const record = readRecord(comment, name)
    if (!record || !isLeftover(record)) continue
    // One that something holds holds up no other.
    if (await drop(server, name, record).catch(() => false)) swept.push(name)
  }
  return swept
}

/**
 * A template only while nobody builds or uses it, whatever its record says; nothing while somebody is connected to it:
 * of another machine's processes little is known, and people look at what was kept.
 */
async function drop(server: Server, name: string, { kind }: OwnerRecord): Promise<boolean> {
  if (kind === 'schema') return false
  if (kind === 'clone') return server.with(ask => dropUnused(ask, name), 'background')
  return server.with(async ask => {
    const key = lockKey(name)
    const [[row] = []] = await ask([`SELECT pg_try_advisory_lock(${key})`])
    if (row?.[0] !== 't') return false
    try {
      return await dropUnused(ask, name)
    } finally {
      await ask([`SELECT pg_advisory_unlock(${key})`])
    }
  }, 'background')
}

async function dropUnused(ask: Ask, name: string): Promise<boolean> {
  // The statement itself would wait for them to leave, for seconds.
  const [busy = []] = await ask([
    `SELECT 1 FROM pg_stat_activity WHERE datname = ${sqlLiteral(name)} LIMIT 1`,
  ])
  if (busy.length > 0) return false
  await ask([`DROP DATABASE IF EXISTS ${ident(name)}`])
  return true
}
