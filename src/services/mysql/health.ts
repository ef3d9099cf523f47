import { crowding } from '../../core/capacity.js'
import { mysqlLiteral } from '../../core/quoting.js'
import type { Health, Link, Row } from '../../core/service.js'
import type { Server } from '../../core/verdict.js'
import type { Greeting } from '../../wire/mysql.js'
import { Findings, number, plaintext, seconds } from '../findings.js'
import { type Account, concernsOf } from './concerns.js'

interface Asking {
  readonly server: Server
  readonly link: Link
  readonly greeting: Greeting
  ask(text: string, most?: number): Promise<readonly Row[]>
}

const MOST = 100

const VARIABLES = [
  'max_connections',
  'max_connect_errors',
  'read_only',
  'super_read_only',
  'innodb_read_only',
  'wait_timeout',
  'skip_name_resolve',
  'bind_address',
  'port',
]

const STATUS = ['Uptime', 'Threads_connected', 'Aborted_connects', 'Connection_errors_max_connections']

const named = (names: readonly string[]): string => names.map(name => `'${name}'`).join(', ')

const SELF = `SELECT CONNECTION_ID(), CURRENT_USER(), USER(), @@SESSION.max_user_connections, @@SESSION.sql_mode,
  @@SESSION.wait_timeout`

/** Without the right PROCESS an account sees its own sessions alone. */
const OWN = "SELECT count(*) FROM information_schema.PROCESSLIST WHERE USER = SUBSTRING_INDEX(USER(), '@', 1)"

/** An account's own global rights. */
const RIGHTS = `SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES
  WHERE GRANTEE = CONCAT("'", REPLACE(CURRENT_USER(), '@', "'@'"), "'")`

/**
 * Who is let in without a password, or without a name: read where the account may see the accounts. Roles, which
 * nobody logs in as, stand among them.
 */
const open = (condition: string, mariadb: boolean): string =>
  `SELECT User, Host FROM mysql.user WHERE ${condition} AND ${mariadb ? "is_role = 'N'" : "account_locked = 'N'"}`
const NO_PASSWORD = `User NOT IN ('', 'mariadb.sys') AND authentication_string = ''
  AND plugin IN ('', 'mysql_native_password', 'caching_sha2_password', 'sha256_password')`
const NO_NAME = "User = ''"

/** Columns of SHOW REPLICA STATUS, the same in every version. Source: MySQL's manual, section 15.7.7.35. */
const IO_RUNNING = 10
const SQL_RUNNING = 11
const BEHIND = 32

/** What MySQL or MariaDB tells this account of itself. */
export async function healthOf(session: Asking): Promise<Health> {
  const findings = new Findings()
  const rows = async (text: string): Promise<readonly Row[]> =>
    (await findings.allowed(() => session.ask(text, MOST))) ?? []
  const row = async (text: string): Promise<Row> => (await rows(text))[0] ?? []
  const table = async (text: string) =>
    new Map((await rows(text)).map(([name, value]) => [name?.toLowerCase(), value]))

  const { server } = session
  const [connection, account, login, limit, mode, waits] = await row(SELF)
  const via =
    server.via ??
    (connection && Number(connection) % 2 ** 32 !== session.greeting.thread ? 'proxy' : undefined)
  const variables = await table(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${named(VARIABLES)})`)
  const status = await table(`SHOW GLOBAL STATUS WHERE Variable_name IN (${named(STATUS)})`)
  const on = (name: string): boolean | undefined =>
    variables.has(name) ? /^(on|1)$/i.test(variables.get(name) ?? '') : undefined
  findings.put({
    version: server.version,
    product: server.product,
    via,
    uptimeMs: seconds(status.get('uptime')),
    readOnly: on('read_only') || on('super_read_only') || on('innodb_read_only') || on('read_only'),
    superReadOnly: on('super_read_only'),
    user: account,
    port: number(variables.get('port')),
    bindAddress: variables.get('bind_address'),
    skipNameResolve: on('skip_name_resolve'),
    waitTimeoutMs: seconds(waits ?? variables.get('wait_timeout')),
    maxConnectErrors: number(variables.get('max_connect_errors')),
    abortedConnects: number(status.get('aborted_connects')),
    refusedConnections: number(status.get('connection_errors_max_connections')),
    strictMode: mode === undefined ? undefined : /STRICT_(TRANS|ALL)_TABLES/.test(mode ?? ''),
    tls: session.link.secure,
  })
  await findings.clock(async () => seconds((await session.ask('SELECT UNIX_TIMESTAMP(SYSDATE(6))'))[0]?.[0]))
  await replication()
  const rights = (await rows(RIGHTS)).map(([right]) => right)
  if (rights.length > 0) findings.put({ superuser: rights.includes('SUPER') })
  // Behind a proxy these are of its connection to the server, and not of ours.
  if (!via) await direct()
  findings.add(...concernsOf(findings.facts, account ?? 'the account', await openAccounts()))
  findings.add(
    crowding(findings.facts),
    plaintext(session.link, '?sslmode=verify-full&sslrootcert=/etc/ssl/certs/db-ca.pem'),
  )
  const { migrations } = await import('./ledgers.js')
  await migrations(session, findings)
  return findings.health()

  async function direct(): Promise<void> {
    const most = number(limit)
    findings.put({
      connectionsUsed: number(status.get('threads_connected')),
      connectionsMax: number(variables.get('max_connections')),
      ...(most > 0 ? { roleConnectionsMax: most, roleConnectionsUsed: number((await row(OWN))[0]) } : {}),
      peerAddress: /@([^@]+)$/.exec(login ?? '')?.[1],
      tlsCipher: (await row("SHOW SESSION STATUS LIKE 'Ssl_cipher'"))[1] || undefined,
    })
  }

  async function replication(): Promise<void> {
    const newer = await row('SHOW REPLICA STATUS')
    const state = newer.length > 0 ? newer : await row('SHOW SLAVE STATUS')
    if (state.length === 0) return
    const running = state[IO_RUNNING] === 'Yes' && state[SQL_RUNNING] === 'Yes'
    findings.put({ replica: true, replicating: running, replicationLagMs: seconds(state[BEHIND]) })
  }

  async function openAccounts(): Promise<Account[]> {
    const as = async (condition: string, lacks: Account['lacks']) =>
      (await rows(open(condition, server.product === 'MariaDB'))).map(([user, host]) => ({
        name: `${quoted(user)}@${quoted(host)}`,
        host: host ?? '',
        lacks,
      }))
    return [...(await as(NO_NAME, 'a name')), ...(await as(NO_PASSWORD, 'a password'))]
  }
}

const quoted = (name: string | null | undefined): string => mysqlLiteral(name ?? '')
