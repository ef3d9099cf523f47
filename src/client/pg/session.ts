import type { Settings } from './settings.js'
import type { Way } from './ways.js'

/** Kept by the server for its end of the connection: seconds before the first probe, between probes, and their number. */
const KEEPALIVE = { tcp_keepalives_idle: 600, tcp_keepalives_interval: 30, tcp_keepalives_count: 3 }

/**
 * What is sent once after connecting: sets the server's limits for the session, and says what the session is. What was given
 * is set, a default only where the session has no limit or a longer one; a setting that this server does not know is left out.
 * (As intervals '65s' and '1min' compare, and '600' is seconds.) Not as startup parameters, which poolers refuse. Where another
 * process answers than the one that the login named, a pooler hands out sessions: then nothing is set, and it answers with
 * what each transaction is to begin with.
 */
export function opening({ limits }: Settings, way: Way, pid: number | null): string | undefined {
  const own = pid === null ? 'false' : `pg_backend_pid() = ${pid}`
  const rows = [
    ...limits.map(({ name, ms, given }) => `('${name}','${ms}ms',${given})`),
    ...Object.entries(KEEPALIVE).map(([name, value]) => `('${name}','${value}',false)`),
  ]
  const now = 'current_setting(n, true)'
  const due = `CASE WHEN given THEN ${now} IS NOT NULL ELSE ${now}::interval = '0' OR ${now}::interval > v::interval END`
  const set = `CASE WHEN ${own} THEN set_config(n, v, false) ELSE format('SET LOCAL %s = %L', n, v) END`
  const parts = `FROM (VALUES ${rows.join(',')}) AS s(n, v, given) WHERE ${due} AND (${own} OR n NOT LIKE 'tcp%')`
  const sets = [`${own} AS own`, `(SELECT string_agg(${set}, '; ') ${parts}) AS local`]
  const asks =
    way.wants === 'any'
      ? []
      : ['pg_is_in_recovery() AS standby', "current_setting('default_transaction_read_only') AS read_only"]
  const asked = [...(limits.length > 0 ? sets : []), ...asks]
  return asked.length > 0 ? `SELECT ${asked.join(', ')}` : undefined
}

/** What is wrong with the session for what is wanted, or undefined. Source: PostgreSQL manual, 34.1.2, target_session_attrs. */
export function unsuited(way: Way, row: Record<string, unknown>): string | undefined {
  const standby = row.standby === true
  const readOnly = standby || row.read_only === 'on'
  const wrong = {
    any: false,
    'prefer-standby': false,
    'read-write': readOnly,
    'read-only': !readOnly,
    primary: standby,
    standby: !standby,
  }[way.wants]
  return wrong
    ? `${way.place} is ${standby ? 'a standby' : readOnly ? 'read-only' : 'a primary'}, and ${way.wants} is wanted`
    : undefined
}
