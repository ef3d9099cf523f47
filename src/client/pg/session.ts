import type { Settings } from './settings.js'
import type { Way } from './ways.js'

/** Linux allows no process number above this; PgBouncer makes up random ones. */
const MAX_PID = 1 << 22

/** True where a pooler answers, which hands each transaction another session of the server. */
export const isPooled = (pid: number | null): boolean => pid !== null && (pid < 0 || pid > MAX_PID)

/** Kept by the server for its end of the connection: seconds before the first probe, between probes, and their number. */
const KEEPALIVE = { tcp_keepalives_idle: 600, tcp_keepalives_interval: 30, tcp_keepalives_count: 3 }

/**
 * The settings that are to change, as rows `(n, v)`: what was given, and a default where the session has no limit or a longer
 * one. A setting that this server does not know is left out; as intervals '65s' and '1min' compare, and '600' is seconds.
 */
function changes({ limits }: Settings, pooled: boolean): string | undefined {
  if (limits.length === 0) return undefined
  const rows = [
    ...limits.map(({ name, ms, given }) => `('${name}','${ms}ms',${given})`),
    ...(pooled ? [] : Object.entries(KEEPALIVE).map(([name, value]) => `('${name}','${value}',false)`)),
  ]
  const now = 'current_setting(n, true)'
  return `FROM (VALUES ${rows.join(',')}) AS s(n, v, given) WHERE CASE WHEN given THEN ${now} IS NOT NULL ELSE ${now}::interval = '0' OR ${now}::interval > v::interval END`
}

/**
 * What is sent once after connecting: sets the server's limits for the session, and says what the session is. Not as
 * startup parameters, which poolers refuse; behind one it answers with what each transaction is to begin with, `local`.
 */
export function opening(settings: Settings, way: Way, pooled: boolean): string | undefined {
  const from = changes(settings, pooled)
  const set = pooled
    ? `(SELECT string_agg(format('SET LOCAL %s = %L', n, v), '; ') ${from}) AS local`
    : `(SELECT count(set_config(n, v, false)) ${from})`
  const asks =
    way.wants === 'any'
      ? []
      : ['pg_is_in_recovery() AS standby', "current_setting('default_transaction_read_only') AS read_only"]
  const parts = [...(from ? [set] : []), ...asks]
  return parts.length > 0 ? `SELECT ${parts.join(', ')}` : undefined
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
