import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import { byText, isConnecting, type Phase, type Rules, type TextRule } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { classifyPostgres, fromPgBouncer } from './classify.js'

/** Five characters, one of them a digit; not what Prisma numbers (P1001). */
const STATE = /^(?!P[1-9])(?=.*\d)[0-9A-Z]{5}$/

/** What PgBouncer seldom says. Source: the calls of disconnect_client and kill_pool_logins in its src/. */
const PGBOUNCER: readonly TextRule[] = [
  [/max_\w*conn/i, 'too-many-connections'],
  [/client_login_timeout/i, 'connect-timeout'],
  [/out of memory|no memory|resources exhaustion/i, 'resource-exhausted'],
  [/no such user|server login.*(auth|password)/i, 'authentication-failed'],
  [/database system is|server login failed|connect failed|DNS lookup failed/i, 'server-not-ready'],
  [/not allowed|admin forced/i, 'access-denied'],
  [/unsupported .*startup parameter|no username supplied|name too long/i, 'client-misuse'],
  [/V2 protocol|bad packet|unknown pkt|startup packet layout|received unencrypted/i, 'protocol-mismatch'],
  [/prepared statement/i, 'query-error'],
]

/** States that end a login because of what the client sent; of a statement they are an error like others. */
const BY_LOGIN: Readonly<Record<string, ReasonId>> = {
  '0A000': 'protocol-mismatch',
  '22023': 'client-misuse',
}

function byState(error: Look, phase: Phase | undefined): Finding | undefined {
  const { code, message } = error
  if (!STATE.test(code)) return undefined
  const routine = error.text('routine')
  const login = isFatal(error) || (isConnecting(phase) && !isError(error))
  const fields = { code, message, routine, severity: severityOf(error), detail: error.text('detail') }
  const found = classifyPostgres(fields, login)
  const rare = fromPgBouncer({ code, routine }) ? byText(PGBOUNCER, message)?.reason : undefined
  const reason = rare ?? (login && Object.hasOwn(BY_LOGIN, code) ? BY_LOGIN[code] : undefined)
  return found && reason ? { ...found, reason } : found
}

/** postgres.js has the untranslated severity only from servers that send it. */
const severityOf = (error: Look): string => error.text('severity') || error.text('severity_local')

const isFatal = (error: Look): boolean => /^(FATAL|PANIC)$/.test(severityOf(error))

/** In the languages that a server has for `lc_messages`. */
const isError = (error: Look): boolean =>
  /^(ERROR|FEHLER|ERREUR|ERRORE|ERRO|FEL|HATA|CHYBA|BŁĄD|ОШИБКА|ПОМИЛКА|エラー|오류|错误|錯誤)$/.test(
    severityOf(error),
  )

/** postgres.js' own codes. Source: its src/, the calls of Errors.connection, generic and notSupported. */
const BY_OWN_CODE: Readonly<Record<string, ReasonId>> = {
  CONNECT_TIMEOUT: 'connect-timeout',
  CONNECTION_CLOSED: 'connection-lost',
  CONNECTION_DESTROYED: 'connection-lost',
  CONNECTION_ENDED: 'client-misuse',
  COPY_IN_PROGRESS: 'client-misuse',
  MAX_PARAMETERS_EXCEEDED: 'client-misuse',
  NOT_TAGGED_CALL: 'client-misuse',
  UNDEFINED_VALUE: 'client-misuse',
  UNSAFE_TRANSACTION: 'client-misuse',
  MESSAGE_NOT_SUPPORTED: 'protocol-mismatch',
  SASL_SIGNATURE_MISMATCH: 'authentication-failed',
}

/** pg, pg-pool and postgres.js. Source of the texts: where their lib/ and src/ create errors. */
export const postgresRules: Rules = {
  drivers: ['pg', 'pg-pool', 'postgres', 'postgres.js', 'postgresql', 'pgbouncer'],
  code(error, { phase }) {
    const { code, message } = error
    const own = Object.hasOwn(BY_OWN_CODE, code) && BY_OWN_CODE[code]
    return own ? { reason: own, code, message } : byState(error, phase)
  },
  classes: {},
  // biome-ignore format: a table
  texts: [
    [/^timeout expired$/, 'connect-timeout'],
    [/^Connection terminated due to connection timeout$/, 'connect-timeout'],
    [/^timeout exceeded when trying to connect$/, 'pool-exhausted'],
    [/^Connection terminated|connection error and is not queryable$/, 'connection-lost'],
    [/^Query read timeout$/, 'statement-timeout'],
    [/^The server does not support SSL connections$/, 'tls-failure',
      'The server has no TLS: switch it on there, or connect without (ssl: false).'],
    [/^There was an error establishing an SSL connection$/, 'tls-failure',
      'The answer to the request for TLS was none: see what speaks on this port.'],
    [/^SASL: .*requires a certificate|^SASL channel binding/, 'tls-failure'],
    [/password must be a (non-empty )?string$/i, 'client-misuse', 'Set the password: it is missing or no text.'],
    [/^SASL: SCRAM-SERVER-FINAL-MESSAGE/, 'authentication-failed'],
    [/^SASL: (Only mechanism|SCRAM-|Invalid attribute)/, 'protocol-mismatch'],
    [/^Received unexpected \w+ message from backend|^Unknown authenticationOk message|^received invalid response/,
      'protocol-mismatch'],
    [/after calling end on the pool$|^Called end on pool|already been released to the pool|already been connected/,
      'client-misuse'],
    [/^Client was closed and is not queryable$/, 'client-misuse'],
    [/^Query values must be an array|^Client was passed a null|^A query must have either|^Prepared statements must/,
      'client-misuse'],
    [/^target_session_attrs .* is not supported$|^sslnegotiation=direct requires/, 'client-misuse'],
  ],
  ownTexts: [
    // postgres.js writes to a connection that has ended meanwhile.
    [/^Cannot read properties of null \(reading 'write'\)$/, 'connection-lost'],
  ],
  // 40003 and 08007: completion unknown. A FATAL ends the session, and with it perhaps a COMMIT that was made.
  rejected: (error, { reason }) =>
    STATE.test(error.code) &&
    !/^(08|40003$)/.test(error.code) &&
    (severityOf(error)
      ? isError(error)
      : ['query-error', 'transaction-conflict', 'read-only'].includes(reason)),
}
