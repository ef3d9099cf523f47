import type { Concern } from '../../core/concern.js'
import { duration } from '../findings.js'
import { type Rule, shown, trustsNetwork } from './hba.js'

/** What the facts alone do not tell. */
export interface Context {
  /** The role that logged in. */
  readonly role: string
  /** The address' target_session_attrs. */
  readonly wanted: string | undefined
  readonly now: Date
}

type Facts = Readonly<Record<string, string | number | boolean>>

/** An older idle transaction, a longer wait for a lock, and a greater lag are concerns. */
const IDLE_MS = 60_000
const LOCK_MS = 5_000
const LAG_MS = 60_000

/** Names of roles that are meant to be superusers. */
const ADMINISTRATOR = /^(postgres|root|admin|administrator|superuser)$/i

const quoted = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`

/** What follows from the facts that were read. */
export function concernsOf(facts: Facts, context: Context): (Concern | undefined)[] {
  const { role } = context
  const ms = (name: string): number => (typeof facts[name] === 'number' ? facts[name] : 0)
  return [
    outdated(String(facts.version ?? ''), context.now),
    facts.superuser === true
      ? {
          id: 'superuser-role',
          level: 'warning',
          message: `${role} is a superuser: no right and no limit holds for it`,
          ...(ADMINISTRATOR.test(role)
            ? {
                advice: 'Give the program a role of its own, which owns its tables at most.',
                fix: `CREATE ROLE app LOGIN PASSWORD '…'; GRANT CONNECT ON DATABASE … TO app; GRANT USAGE ON SCHEMA public TO app;`,
              }
            : {
                advice:
                  'Take the attribute away, as another superuser; the role that initdb made keeps it, so that the program needs one of its own there.',
                fix: `ALTER ROLE ${quoted(role)} NOSUPERUSER;`,
              }),
        }
      : undefined,
    facts.authMethod === 'md5' && !facts.via
      ? {
          id: 'md5-password',
          level: 'warning',
          message: `the password of ${role} is kept and proved as MD5, which PostgreSQL gives up`,
          advice: 'Set the password again, so that it is kept for scram-sha-256.',
          fix: `SET password_encryption = 'scram-sha-256'; ALTER ROLE ${quoted(role)} PASSWORD '…';`,
        }
      : undefined,
    /^(md5|on)$/.test(String(facts.passwordEncryption))
      ? {
          id: 'password-encryption-md5',
          level: 'warning',
          message: 'the server keeps new passwords as MD5',
          advice: 'Switch it to scram-sha-256, and set the passwords again.',
          fix: "ALTER SYSTEM SET password_encryption = 'scram-sha-256'; SELECT pg_reload_conf();",
        }
      : undefined,
    readOnly(facts, context),
    facts.statementTimeoutMs === 0
      ? {
          id: 'no-statement-timeout',
          level: 'info',
          message: 'no statement_timeout: a statement may run for ever, and hold its connection',
          advice: 'Limit it for the role.',
          fix: `ALTER ROLE ${quoted(role)} SET statement_timeout = '30s';`,
        }
      : undefined,
    facts.idleInTransactionTimeoutMs === 0
      ? {
          id: 'no-idle-in-transaction-timeout',
          level: 'info',
          message: 'no idle_in_transaction_session_timeout: a transaction that was forgotten keeps its locks',
          advice: 'Limit it for the role.',
          fix: `ALTER ROLE ${quoted(role)} SET idle_in_transaction_session_timeout = '60s';`,
        }
      : undefined,
    ms('idleInTransaction') > 0
      ? {
          id: 'idle-in-transaction',
          level: 'warning',
          message: `${facts.idleInTransaction} sessions have been idle in a transaction for more than ${duration(IDLE_MS)}, the longest for ${duration(ms('idleInTransactionMs'))}`,
          advice: 'Find who forgets to commit: their locks stay, and nothing can be cleaned up.',
          fix: "SELECT pid, usename, application_name, client_addr, state_change, query FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' ORDER BY state_change;",
        }
      : undefined,
    ms('lockWaitMs') > LOCK_MS
      ? {
          id: 'long-lock-wait',
          level: 'warning',
          message: `a session has waited for a lock for ${duration(ms('lockWaitMs'))}`,
          advice: 'Look who holds it.',
          fix: 'SELECT pid, pg_blocking_pids(pid), query FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;',
        }
      : undefined,
    ms('replicationLagMs') > LAG_MS
      ? {
          id: 'replication-lag',
          level: 'warning',
          message: `the standby is ${duration(ms('replicationLagMs'))} behind`,
          advice: 'See on the primary what its receivers have got.',
          fix: 'SELECT application_name, state, replay_lag FROM pg_stat_replication;',
        }
      : undefined,
  ]
}

function readOnly(facts: Facts, { wanted }: Context): Concern | undefined {
  if (wanted && !['read-write', 'primary'].includes(wanted)) return undefined
  if (facts.inRecovery === true)
    return {
      id: 'standby',
      level: 'warning',
      message: 'the server is a standby: it takes no writes',
      advice: 'Name the primary, or all hosts; where reading is meant, say so.',
      fix: '?target_session_attrs=read-write',
    }
  if (facts.readOnly !== true) return undefined
  return {
    id: 'read-only',
    level: 'warning',
    message: 'transactions are read-only unless they say otherwise (default_transaction_read_only)',
    advice: 'Where writing is meant, set it off where it is set: for the role, the database or the server.',
    fix: 'SELECT * FROM pg_db_role_setting; SHOW default_transaction_read_only;',
  }
}

/**
 * A major version is supported for five years: version N, from 10 on, until November of the year 2012 + N.
 * Source: https://www.postgresql.org/support/versioning/
 */
function outdated(version: string, now: Date): Concern | undefined {
  const major = Number(/^(\d+)\./.exec(`${version}.`)?.[1])
  if (!major) return undefined
  const year = major < 10 ? 2021 : 2012 + major
  if (now.getTime() < Date.UTC(year, 11, 1)) return undefined
  return {
    id: 'version-unsupported',
    level: 'warning',
    message: `PostgreSQL ${version} gets no corrections any more, since November ${year}`,
    advice:
      'Plan the move to a version that is supported; see https://www.postgresql.org/support/versioning/.',
  }
}

/** Of pg_hba.conf, whoever it is that logs in. */
export function hbaConcerns(rules: readonly Rule[]): Concern[] {
  const wrong = rules.filter(({ error }) => error !== null)
  const trusting = rules.filter(rule => rule.error === null && trustsNetwork(rule))
  return [
    ...wrong.map(
      ({ line, error }): Concern => ({
        id: 'hba-error',
        level: 'error',
        message: `line ${line} of pg_hba.conf is wrong: ${error}. The server keeps the old rules, and does not start with these`,
        advice: 'Correct the line, then reload.',
        fix: 'SELECT line_number, error FROM pg_hba_file_rules WHERE error IS NOT NULL; SELECT pg_reload_conf();',
      }),
    ),
    ...(trusting.length > 0
      ? [
          {
            id: 'hba-trust',
            level: 'warning' as const,
            message: `pg_hba.conf lets in without a password, over the network: ${trusting.map(rule => `line ${rule.line} (${shown(rule)})`).join(', ')}`,
            advice: 'Ask for a password, then reload with SELECT pg_reload_conf().',
            fix: trusting.map(rule => shown({ ...rule, method: 'scram-sha-256' })).join('\n'),
          },
        ]
      : []),
  ]
}
