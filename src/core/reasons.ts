/** Will waiting help? The gate's question. */
export type Heals = 'soon' | 'slowly' | 'never'

/** Is repeating safe? The client's question, never to be mixed with `heals`. */
export type Retry = 'yes' | 'if-unsent' | 'transaction' | 'on-primary' | 'no'

/** May a test suite descend to a stand-in? `after-wait`: once the wait is used up. */
export type Absent = 'yes' | 'no' | 'after-wait'

export interface Reason {
  readonly meaning: string
  /** What to do next, as an imperative sentence. */
  readonly next: string
  readonly heals: Heals
  readonly retry: Retry
  readonly absent: Absent
  readonly http: 500 | 503 | 504
  readonly severity: 'info' | 'warning' | 'error' | 'critical'
}

const reason = (
  heals: Heals,
  retry: Retry,
  absent: Absent,
  http: Reason['http'],
  severity: Reason['severity'],
  meaning: string,
  next: string,
): Reason => ({ meaning, next, heals, retry, absent, http, severity })

/** THE table: why a target is not ready. Every feature is a policy over one of these. */
// biome-ignore format: a table
export const REASONS = {
  'dns-failure': reason('soon', 'yes', 'yes', 503, 'error',
    'the name did not resolve',
    'Check the host name; names of containers appear once they run, on the same network. On a temporary failure look at the resolver.'),
  'connection-refused': reason('soon', 'yes', 'yes', 503, 'error',
    'the host was reached, nothing listens on the port',
    'Start the server, or correct host and port.'),
  'host-unreachable': reason('slowly', 'yes', 'yes', 503, 'error',
    'no route to the host, or a firewall rejects',
    'Check route, VPN and firewall; for a Unix socket, the permissions of its directory.'),
  'connect-timeout': reason('slowly', 'yes', 'yes', 504, 'error',
    'no session before the deadline: packets are dropped, or the server accepted and stayed silent',
    'Look for a firewall that drops packets, a wrong port, or a server that hangs.'),
  'connection-lost': reason('soon', 'if-unsent', 'yes', 503, 'error',
    'the connection ended without a full answer',
    'Look for a restart or fail-over, an idle time-out, or a published port whose container does not listen.'),
  'server-not-ready': reason('soon', 'yes', 'after-wait', 503, 'warning',
    'the server answers, but does not serve yet',
    "Wait; if it lasts, read the server's log."),
  'too-many-connections': reason('slowly', 'yes', 'no', 503, 'error',
    'a limit of connections is reached',
    "Compare pool size times processes with the server's limit."),
  'pool-exhausted': reason('soon', 'yes', 'no', 503, 'warning',
    'no connection is free in the pool or pooler',
    'Look for leaked clients and long transactions.'),
  'resource-exhausted': reason('slowly', 'yes', 'no', 503, 'critical',
    'disk, memory, quota, descriptors or ports are used up',
    'Free the named resource.'),
  'authentication-failed': reason('never', 'no', 'no', 500, 'critical',
    'the credentials were rejected',
    'Correct user or password where they are set.'),
  'access-denied': reason('never', 'no', 'no', 500, 'critical',
    'the server does not admit this user from here, or not to this database',
    'Check pg_hba.conf, GRANT or the ACL; it may also mean that TLS is required.'),
  'database-not-found': reason('slowly', 'no', 'no', 500, 'critical',
    'the database does not exist',
    'Create the database, or correct its name.'),
  'schema-missing': reason('soon', 'no', 'no', 500, 'error',
    'the database lacks what was expected of it',
    'Run the migrations.'),
  unmet: reason('soon', 'no', 'no', 500, 'error',
    'an expectation was answered, but not with yes',
    'Compare what was expected with what came.'),
  'tls-failure': reason('never', 'no', 'no', 500, 'critical',
    'no TLS session that satisfies the settings',
    'Check the named certificate, host name or TLS setting.'),
  'protocol-mismatch': reason('never', 'no', 'no', 500, 'critical',
    'something else speaks on that port, or another version of the protocol',
    'Compare the port with the service that you expect there.'),
  'read-only': reason('slowly', 'on-primary', 'no', 503, 'error',
    'a replica, or a read-only transaction',
    'Connect to the primary.'),
  'statement-timeout': reason('slowly', 'if-unsent', 'no', 504, 'warning',
    'a statement ran into a time limit, or was cancelled',
    'Look for the slow statement or a lock, or raise the limit.'),
  'transaction-conflict': reason('soon', 'transaction', 'no', 503, 'info',
    'a serialization failure, a deadlock or a lock time-out',
    'Repeat the transaction, not the statement.'),
  'client-misuse': reason('never', 'no', 'no', 500, 'error',
    'an address, option or call is invalid',
    'Correct the configuration or the call.'),
  'query-error': reason('never', 'no', 'no', 500, 'info',
    'the database answered with an error of the statement',
    'Correct the statement; this is not an availability failure.'),
  unknown: reason('slowly', 'no', 'no', 500, 'error',
    'no rule matched',
    'Report the error as it is shown with -v.'),
} as const satisfies Record<string, Reason>

export type ReasonId = keyof typeof REASONS

export const reasonOf = (id: ReasonId): Reason => REASONS[id]
