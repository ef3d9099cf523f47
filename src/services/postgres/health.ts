import { crowding } from '../../core/capacity.js'
import type { Health, Link, Row } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import { Findings, number, plaintext, seconds } from '../findings.js'
import { carefully } from './careful.js'
import { type Context, concernsOf, hbaConcerns } from './concerns.js'
import type { Conversation } from './conversation.js'
import { admitting, HBA, rulesOf, shown } from './hba.js'

interface Asking {
  readonly server: Server
  readonly link: Link
  readonly talk: Conversation
  readonly target?: Target | undefined
  ask(text: string, nth: number): Promise<readonly Row[]>
}

const SETTINGS = [
  'max_connections',
  'superuser_reserved_connections',
  'reserved_connections',
  'listen_addresses',
  'port',
  'password_encryption',
  'default_transaction_read_only',
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'lock_timeout',
  'tcp_keepalives_idle',
]

const ASKED = `SELECT name, CASE WHEN name LIKE '%timeout' THEN reset_val ELSE setting END FROM pg_settings
  WHERE name IN (${SETTINGS.map(name => `'${name}'`).join(', ')})`

const SELF = `SELECT pg_backend_pid(), extract(epoch FROM clock_timestamp() - pg_postmaster_start_time()),
  pg_is_in_recovery(), current_user, session_user, current_database(), host(inet_client_addr()),
  r.rolsuper, r.rolconnlimit, d.datconnlimit
  FROM pg_database d LEFT JOIN pg_roles r ON r.rolname = session_user WHERE d.datname = current_database()`

/** A role without rights sees of other sessions whose they are, and not what they are. */
const CLIENTS = `SELECT count(*), count(*) FILTER (WHERE usename = session_user),
  count(*) FILTER (WHERE datname = current_database())
  FROM pg_stat_activity WHERE backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL)`

const ACTIVITY = `SELECT
  count(*) FILTER (WHERE state LIKE 'idle in transaction%' AND clock_timestamp() - state_change > interval '1 minute'),
  extract(epoch FROM max(clock_timestamp() - state_change) FILTER (WHERE state LIKE 'idle in transaction%')),
  extract(epoch FROM max(clock_timestamp() - xact_start)),
  count(*) FILTER (WHERE wait_event_type = 'Lock')
  FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`

/** Since PostgreSQL 14. */
const LOCKS = 'SELECT extract(epoch FROM max(clock_timestamp() - waitstart)) FROM pg_locks WHERE NOT granted'

const TLS = 'SELECT ssl, version, cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()'

/** A standby that has replayed all that it got is not behind, however long ago that was. */
const LAG = `SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
  ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) END`

const MEMBER = `SELECT array_to_json(array_agg(rolname)) FROM pg_roles WHERE pg_has_role(session_user, oid, 'MEMBER')`

/** What PostgreSQL tells this role of itself. */
export async function healthOf(session: Asking): Promise<Health> {
  const findings = new Findings()
  const ask = carefully(session)
  const rows = async (text: string) => (await findings.allowed(() => ask(text))) ?? []
  const row = async (text: string): Promise<Row> => (await rows(text))[0] ?? []

  const { server } = session
  const self = await row(SELF)
  const [pid, uptime, recovery, role, login, database, client, superuser, roleLimit, databaseLimit] = self
  const via = server.via ?? (pid && Number(pid) !== session.talk.pid ? 'pooler' : undefined)
  const inRecovery = recovery === undefined ? undefined : recovery === 't'
  const settings = new Map((await rows(ASKED)).map(([name, value]) => [name, value]))
  const setting = (name: string) => settings.get(name)
  findings.put({
    version: server.version,
    via,
    uptimeMs: seconds(uptime),
    inRecovery,
    readOnly:
      inRecovery === undefined ? undefined : inRecovery || setting('default_transaction_read_only') === 'on',
    user: role,
    superuser: superuser === undefined || superuser === null ? undefined : superuser === 't',
    listenAddresses: setting('listen_addresses'),
    port: number(setting('port')),
    passwordEncryption: setting('password_encryption'),
    statementTimeoutMs: number(setting('statement_timeout')),
    idleInTransactionTimeoutMs: number(setting('idle_in_transaction_session_timeout')),
    lockTimeoutMs: number(setting('lock_timeout')),
    authMethod: session.talk.method,
    tls: session.link.secure,
  })
  await findings.clock(async () =>
    seconds((await ask('SELECT extract(epoch FROM clock_timestamp())'))[0]?.[0]),
  )
  await activity()
  if (inRecovery) findings.put({ replicationLagMs: seconds((await row(LAG))[0]) })
  // Behind a pooler these are of its connection to the server, and not of ours.
  if (!via) await direct()
  const context: Context = {
    role: login ?? role ?? 'app',
    wanted: session.target?.params.get('target_session_attrs')?.reveal(),
    now: new Date(),
  }
  findings.add(...concernsOf(findings.facts, context), crowding(findings.facts))
  findings.add(plaintext(session.link, '?sslmode=verify-full&sslrootcert=/etc/ssl/certs/db-ca.pem'))
  const { migrations } = await import('./ledgers.js')
  await migrations(ask, findings)
  return findings.health()

  async function activity(): Promise<void> {
    const [idle, longestIdle, oldest, waiting] = await row(ACTIVITY)
    findings.put({
      idleInTransaction: number(idle),
      idleInTransactionMs: seconds(longestIdle),
      oldestTransactionMs: seconds(oldest),
      waitingForLocks: number(waiting),
      lockWaitMs: seconds((await row(LOCKS))[0]),
    })
  }

  async function direct(): Promise<void> {
    const [used, roleUsed, databaseUsed] = await row(CLIENTS)
    const [, tlsVersion, cipher] = await row(TLS)
    const limited = (limit: string | null | undefined, own: string | null | undefined) =>
      number(limit) >= 0 ? { max: number(limit), used: number(own) } : undefined
    const ofRole = limited(roleLimit, roleUsed)
    const ofDatabase = limited(databaseLimit, databaseUsed)
    const reserved =
      number(setting('superuser_reserved_connections')) + (number(setting('reserved_connections')) || 0)
    findings.put({
      connectionsUsed: number(used),
      connectionsMax: number(setting('max_connections')),
      // A superuser may take them.
      connectionsReserved: superuser === 't' ? 0 : reserved,
      // Neither limit holds for a superuser.
      ...(ofRole && superuser !== 't'
        ? { roleConnectionsMax: ofRole.max, roleConnectionsUsed: ofRole.used }
        : {}),
      ...(ofDatabase && superuser !== 't'
        ? { databaseConnectionsMax: ofDatabase.max, databaseConnectionsUsed: ofDatabase.used }
        : {}),
      peerAddress: client,
      tcpKeepaliveIdleMs: client ? seconds(setting('tcp_keepalives_idle')) : undefined,
      tlsVersion,
      tlsCipher: cipher,
    })
    const rules = rulesOf(await rows(HBA))
    if (rules.length === 0) return
    const roles: unknown = JSON.parse((await row(MEMBER))[0] ?? '[]')
    const line = admitting(rules, {
      database: database ?? '',
      user: login ?? '',
      roles: Array.isArray(roles) ? roles.map(String) : [],
      address: client ?? undefined,
      encrypted: session.link.secure,
    })
    findings.put({ hbaLine: line ? `${line.line}: ${shown(line)}` : undefined })
    findings.add(...hbaConcerns(rules))
  }
}
