import { systemClock } from '../../io/clock.js'
import { endOrphan, type Orphan } from './orphan.js'
import type { Client, CommitFate, CommitResolver } from './types.js'

interface Prepared extends Orphan {
  readonly history: string
  readonly epoch: string
}

/** The cluster and its timeline: a promoted standby goes on with another one, and numbers its transactions anew. */
const HISTORY = `(SELECT system_identifier::text FROM pg_control_system()) || '/' ||
  CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END`

/**
 * Changes with each crash, which empties the statistics: a number whose transaction left no trace on disk can be given
 * to another one afterwards.
 */
const EPOCH = `(SELECT coalesce(extract(epoch FROM stats_reset)::text, '') FROM pg_stat_bgwriter)`

const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 500

/**
 * Asks the server what became of the transaction's number. Nothing needs to be set up; one more round trip before
 * COMMIT. Concludes nothing on another server (a standby, a promoted one, a copy), about an old number, and calls
 * nothing committed after a crash. A transaction that wrote nothing counts as rolled back. PostgreSQL ≥ 10: the names
 * with `txid` work in all of them. Source: PostgreSQL manual, 9.27.7, txid_status (pg_xact_status).
 */
export function txidStatus(): CommitResolver {
  return {
    async prepare(client) {
      const { rows } = await client.query<Prepared & { xid: string | null }>({
        text: `SELECT txid_current_if_assigned()::text AS xid, pg_backend_pid() AS pid, ${HISTORY} AS history, ${EPOCH} AS epoch`,
      })
      return rows[0]
    },
    ask: (client, prepared) => ask(client, prepared as (Prepared & { xid: string | null }) | undefined),
  }
}

async function ask(
  client: Client,
  prepared: (Prepared & { xid: string | null }) | undefined,
): Promise<CommitFate> {
  if (!prepared) return 'unknown'
  if (prepared.xid === null) return 'rolled-back'
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    const { rows } = await client.query<{ status: string | null; same_epoch: boolean }>({
      text: `SELECT CASE WHEN ${HISTORY} = $2 THEN txid_status($1::bigint) END AS status, ${EPOCH} = $3 AS same_epoch`,
      values: [prepared.xid, prepared.history, prepared.epoch],
    })
    const { status, same_epoch } = rows[0] ?? {}
    if (status === 'aborted') return 'rolled-back'
    if (status === 'committed') return same_epoch ? 'committed' : 'unknown'
    if (status !== 'in progress') return 'unknown'
    await endOrphan(client, prepared)
    await systemClock.sleep(pause)
  }
}
