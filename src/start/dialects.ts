/** How a service keeps two migrations apart: statements whose first value is true where the answer is yes. */
export interface Dialect {
  /** Keeps the server from ending the session for being idle. Fails, or does nothing, where it cannot be set. */
  readonly stay: string
  /** Takes the lock, or says at once that somebody else has it. */
  readonly take: string
  /** Whether this session has it. */
  readonly held: string
  readonly release: string
  /** One row: process id, application, user, address, connected since. */
  readonly holder: string
  /** What ends the holder, for people. */
  readonly end: string
}

/** `hold` in ASCII: the namespace of the locks, beside the advisory locks of other programs. */
export const NAMESPACE = 0x686f6c64

const KEY = `${NAMESPACE}, hashtext(current_database())`
// PostgreSQL manual, pg_locks: the first key is in classid, the second in objid, and objsubid is 2.
const OURS = `l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = ${NAMESPACE}
  AND l.objid = (hashtext(current_database())::bigint & 4294967295)::oid
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// MySQL manual, "Locking Functions": names are global to the server and have 64 characters at most.
const NAME = "concat('holdfast.', md5(ifnull(database(), '')))"

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgres: {
    // Since PostgreSQL 14.
    stay: `SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'`,
    take: `SELECT pg_try_advisory_lock(${KEY})`,
    held: `SELECT EXISTS (SELECT FROM pg_locks l WHERE ${OURS} AND l.pid = pg_backend_pid())`,
    release: `SELECT pg_advisory_unlock(${KEY})`,
    holder: `SELECT l.pid, a.application_name, a.usename, host(a.client_addr), date_trunc('second', a.backend_start)
      FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE ${OURS}`,
    end: 'SELECT pg_terminate_backend(PID)',
  },
  mysql: {
    stay: 'SET SESSION wait_timeout = 86400',
    take: `SELECT get_lock(${NAME}, 0)`,
    held: `SELECT is_used_lock(${NAME}) = connection_id()`,
    release: `SELECT release_lock(${NAME})`,
    holder: `SELECT h.id, NULL, p.user, p.host, date_sub(now(), INTERVAL p.time SECOND)
      FROM (SELECT is_used_lock(${NAME}) AS id) AS h LEFT JOIN information_schema.processlist p ON p.id = h.id`,
    end: 'KILL PID',
  },
}

export const dialectOf = (service: string): Dialect | undefined =>
  Object.hasOwn(DIALECTS, service) ? DIALECTS[service] : undefined
