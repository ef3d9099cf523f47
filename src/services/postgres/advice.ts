type Advice = readonly [pattern: RegExp, advice: string]

// biome-ignore format: a table
const PGBOUNCER: readonly Advice[] = [
  [/^(SSL|TLS) required/, 'PgBouncer wants TLS from its clients: use sslmode=require.'],
  [/no such database/, 'Add the database to [databases] in pgbouncer.ini, or correct its name in the address.'],
  [/unsupported startup parameter/,
    'Leave the parameter out of the address, or add it to ignore_startup_parameters in pgbouncer.ini.'],
  [/server login has been failing/,
    'PgBouncer answers, but cannot log in to the server behind it: see its log, and whether that server runs.'],
  [/query_wait_timeout/,
    'No server connection came free: look for long transactions, a small default_pool_size, or a server behind PgBouncer that is down.'],
]

// biome-ignore format: a table
const ADMISSION: readonly Advice[] = [
  [/no encryption|SSL off/,
    'pg_hba.conf admits this user from here only with TLS, or not at all: try sslmode=require, or add a "host" line and reload.'],
  [/client certificate/, 'The server wants to see a certificate of the client: give sslcert=FILE and sslkey=FILE.'],
  [/certificate authentication failed/,
    'The common name of the certificate in sslcert has to be the role, or be mapped to it in pg_ident.conf.'],
  [/no pg_hba.conf entry/,
    'Add a line for this address, user and database to pg_hba.conf and reload (SELECT pg_reload_conf()).'],
]

/** Sharper advice than the table's, by the wording, where one state has several causes. */
export function adviceFor(code: string, message: string, pgbouncer: boolean): { advice?: string } {
  const list = pgbouncer ? PGBOUNCER : code === '28000' ? ADMISSION : []
  const advice = list.find(([pattern]) => pattern.test(message))?.[1]
  return advice ? { advice } : {}
}
