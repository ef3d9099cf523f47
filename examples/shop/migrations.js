/**
 * Applies what is in migrations/ and not yet in the table schema_migrations, in the order of the names, each file in
 * a transaction of its own. Replicas that start together take turns: `holdfast run --migrate` holds the lock.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createPool } from './connections.js'

const folder = new URL('migrations/', import.meta.url)

export async function migrate(config, log = console.log) {
  const pool = createPool({ ...config, poolMax: 1 }, 'migrate')
  try {
    await pool.query(
      'CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())',
    )
    const { rows } = await pool.query('SELECT version FROM schema_migrations')
    const applied = new Set(rows.map(({ version }) => version))
    const versions = readdirSync(folder)
      .filter(name => name.endsWith('.sql'))
      .sort()
      .map(name => name.slice(0, -'.sql'.length))
    const missing = versions.filter(version => !applied.has(version))
    for (const version of missing) {
      await pool.transaction(async client => {
        await client.query(readFileSync(new URL(`${version}.sql`, folder), 'utf8'))
        await client.query('INSERT INTO schema_migrations (version) VALUES ($1)', [version])
      })
      log(`applied ${version}`)
    }
    if (missing.length === 0) log('nothing to apply')
    return missing
  } finally {
    await pool.end()
  }
}
