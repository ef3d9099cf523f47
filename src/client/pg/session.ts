import type { Settings } from './settings.js'
import type { Way } from './ways.js'

/** Linux allows no process number above this; PgBouncer makes up random ones. */
const MAX_PID = 1 << 22

/** True where a pooler answers, which hands each transaction another session of the server. */
export const isPooled = (pid: number | null): boolean => pid !== null && (pid < 0 || pid > MAX_PID)

const LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'] as const

/** Kept by the server for its end of the connection: seconds before the first probe, between probes, and their number. */
const KEEPALIVE = { tcp_keepalives_idle: 600, tcp_keepalives_interval: 30, tcp_keepalives_count: 3 }

const given = (settings: Settings) =>
  LIMITS.map(name => [name, settings[name]] as const).filter(([, ms]) => ms > 0)

/** Behind a pooler: what a transaction begins with. */
export function localSettings(settings: Settings): string {
  return given(settings)
    .map(([name, ms]) => `SET LOCAL ${name} = ${ms}`)
    .join('; ')
}

/**
 * What is sent once after connecting: sets the server's limits for the session, and says what the session is. Not as
 * startup parameters, which poolers refuse. A setting that this server does not know is left out.
 */
export function opening(settings: Settings, way: Way, pooled: boolean): string | undefined {
  const limits = given(settings)
  const kept = limits.length > 0 ? [...limits, ...Object.entries(KEEPALIVE)] : []
  const values = pooled ? [] : kept.map(([name, value]) => `('${name}','${value}')`)
  const set =
    values.length > 0
      ? `(SELECT count(set_config(n, v, false)) FROM (VALUES ${values.join(',')}) AS s(n, v) WHERE current_setting(n, true) IS NOT NULL)`
      : undefined
  const asks =
    way.wants === 'any'
      ? []
      : ['pg_is_in_recovery() AS standby', "current_setting('default_transaction_read_only') AS read_only"]
  const parts = [...(set ? [set] : []), ...asks]
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
