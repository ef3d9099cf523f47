import type { Client } from './types.js'

/** A transaction of ours, by the server's own names for it. */
export interface Orphan {
  readonly pid: number
  /** Of 64 bits, with its epoch. */
  readonly xid: string
}

/**
 * Ends the session of a transaction that nobody will end: its client is gone, COMMIT has not come, and the server,
 * which may not have noticed, waits. One that is at work (on its COMMIT) is left alone. The same role may do this.
 * Source: PostgreSQL manual, 28.2.3 pg_stat_activity, 9.28.2 pg_terminate_backend.
 */
export async function endOrphan(client: Client, { pid, xid }: Orphan): Promise<void> {
  await client.query({
    text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1
      AND backend_xid::text = ($2::bigint % 4294967296)::text AND state LIKE 'idle in transaction%'`,
    values: [pid, xid],
  })
}
