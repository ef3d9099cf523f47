import type { Concern } from '../../core/concern.js'
import { mysqlLiteral } from '../../core/quoting.js'
import { duration } from '../findings.js'

/** An account that anybody may use. */
export interface Account {
  /** As in SQL: `'app'@'%'`. */
  readonly name: string
  readonly host: string
  readonly lacks: 'a name' | 'a password'
}

type Facts = Readonly<Record<string, string | number | boolean>>

/** A greater lag is a concern. */
const LAG_MS = 60_000

const HERE = /^(localhost|127\..*|::1)$/

/** `app@%` as an account of a statement. */
const accountOf = (user: string): string => {
  const at = user.lastIndexOf('@')
  return at < 0
    ? mysqlLiteral(user)
    : `${mysqlLiteral(user.slice(0, at))}@${mysqlLiteral(user.slice(at + 1))}`
}

/** What follows from the facts that were read; `user` is the account that logged in. */
export function concernsOf(facts: Facts, user: string, open: readonly Account[]): (Concern | undefined)[] {
  const lag = facts.replicationLagMs
  return [
    facts.superuser === true
      ? {
          id: 'superuser-role',
          level: 'warning',
          message: `${user} has the right SUPER: it may change the server and end the sessions of others`,
          advice: 'Give the program an account of its own, with rights to its database.',
          fix: /^root@/.test(user)
            ? "CREATE USER 'app'@'%' IDENTIFIED BY '…'; GRANT SELECT, INSERT, UPDATE, DELETE ON app.* TO 'app'@'%';"
            : `REVOKE SUPER ON *.* FROM ${accountOf(user)};`,
        }
      : undefined,
    facts.readOnly === true
      ? {
          id: 'read-only',
          level: 'warning',
          message: `the server is read-only${facts.replica ? ', a replica' : ''}`,
          advice: 'Where writing is meant, name the primary, or make this server one.',
          fix: 'SET GLOBAL read_only = OFF;',
        }
      : undefined,
    facts.replicating === false
      ? {
          id: 'replication-stopped',
          level: 'error',
          message: 'the replica does not replicate: a thread of it has stopped',
          advice: 'See its last error, put that right, then start it again.',
          fix: 'SHOW REPLICA STATUS;',
        }
      : undefined,
    typeof lag === 'number' && lag > LAG_MS
      ? {
          id: 'replication-lag',
          level: 'warning',
          message: `the replica is ${duration(lag)} behind`,
          advice: 'See what it works on.',
          fix: 'SHOW REPLICA STATUS;',
        }
      : undefined,
    facts.strictMode === false
      ? {
          id: 'not-strict',
          level: 'info',
          message: 'sql_mode is not strict: values that do not fit are cut, and not refused',
          advice: 'Switch it on, for the session or the server.',
          fix: "SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES');",
        }
      : undefined,
    typeof facts.refusedConnections === 'number' && facts.refusedConnections > 0
      ? {
          id: 'connections-refused',
          level: 'info',
          message: `${facts.refusedConnections} connections were refused since the start, because the server was full`,
          advice: 'Compare the pools of all programs with max_connections.',
          fix: "SHOW GLOBAL STATUS LIKE 'Max_used_connections%';",
        }
      : undefined,
    ...open.map(
      ({ name, host, lacks }): Concern => ({
        id: lacks === 'a name' ? 'anonymous-account' : 'no-password',
        // Of this machine it is for tests; from elsewhere everybody is in.
        level: HERE.test(host) ? 'info' : 'warning',
        message: `the account ${name} needs no ${lacks === 'a name' ? 'name' : 'password'}`,
        advice: lacks === 'a name' ? 'Drop it.' : 'Give it a password.',
        fix: lacks === 'a name' ? `DROP USER ${name};` : `ALTER USER ${name} IDENTIFIED BY '…';`,
      }),
    ),
  ]
}
