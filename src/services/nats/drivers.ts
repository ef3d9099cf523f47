import type { Look } from '../../core/look.js'
import type { ReasonId } from '../../core/reasons.js'
import { type Circumstances, type Means, type Rules, reasonIn, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { ERRORS, findingOf, jetstreamFinding } from './classify.js'

/** The codes of nats 2. Source: nats-base-client/core.ts, ErrorCode. */
const BY_CODE: Readonly<Record<string, Means>> = {
  AUTHORIZATION_VIOLATION: 'authentication-failed',
  AUTHENTICATION_EXPIRED: 'authentication-failed',
  AUTHENTICATION_TIMEOUT: 'connect-timeout',
  ACCOUNT_EXPIRED: 'authentication-failed',
  PERMISSIONS_VIOLATION: 'access-denied',
  BAD_AUTHENTICATION: 'client-misuse',
  BAD_CREDS: 'client-misuse',
  BAD_HEADER: 'client-misuse',
  BAD_JSON: 'query-error',
  BAD_PAYLOAD: 'client-misuse',
  BAD_SUBJECT: 'client-misuse',
  CONNECTION_CLOSED: 'connection-lost',
  CONNECTION_DRAINING: 'client-misuse',
  CONNECTION_REFUSED: 'connection-refused',
  CONNECTION_TIMEOUT: 'connect-timeout',
  DISCONNECT: 'connection-lost',
  INVALID_OPTION: 'client-misuse',
  INVALID_PAYLOAD: 'client-misuse',
  MAX_PAYLOAD_EXCEEDED: 'client-misuse',
  NATS_PROTOCOL_ERR: 'query-error',
  NOT_FUNC: 'client-misuse',
  SERVER_OPT_NA: 'client-misuse',
  SUB_CLOSED: 'client-misuse',
  SUB_DRAINING: 'client-misuse',
  TIMEOUT: TIME_LIMIT,
  TLS: 'tls-failure',
  WSS_REQUIRED: 'tls-failure',
  '503': 'server-not-ready',
}

/** Codes that say less than their text, or than the error behind them. */
const VAGUE = /^(NATS_PROTOCOL_ERR|TLS|REQUEST_ERROR|UNKNOWN_ERROR)$/

const known = (text: string): Finding | undefined =>
  ERRORS.some(([pattern]) => pattern.test(text)) ? findingOf(text) : undefined

/** nats 2 puts the text of -ERR, in quotes or not, into the message. */
const told = ({ message }: Look): Finding | undefined => known(message.replace(/^'(.*)'$/, '$1'))

/** That nobody listened, or that it was not allowed, was said by the server: nothing came of it. */
const REFUSALS: Readonly<Record<string, ReasonId>> = {
  PermissionViolationError: 'access-denied',
  NoResponders: 'server-not-ready',
  NoRespondersError: 'server-not-ready',
}

function refusal(error: Look): Finding | undefined {
  const reason = REFUSALS[error.text('name')] ?? REFUSALS[error.kind]
  return reason && { reason, message: error.message }
}

function code(error: Look, { phase, named }: Circumstances): Finding | undefined {
  const refused = refusal(error)
  if (refused) return refused
  const own = named || error.is('NatsError', 'JetStreamApiError')
  if (!own) return undefined
  const api = error.inner('api_error')?.number('err_code') ?? error.number('err_code')
  const { code, message } = error
  if (error.is('JetStreamApiError') && error.has('code'))
    return jetstreamFinding(error.number('code') ?? 0, message)
  if (api !== undefined) return jetstreamFinding(api, message)
  if (VAGUE.test(code)) {
    const finding = told(error)
    if (finding) return finding
  }
  const means = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined
  return means && { reason: reasonIn(means, phase), code, message }
}

/** nats 2 and @nats-io/transport-node 3. Source of classes: nats.js, core/src/errors.ts. */
export const natsRules: Rules = {
  drivers: ['nats', '@nats-io/transport-node', '@nats-io/nats-core', 'nats.js'],
  behind: error =>
    error.is('NatsError') && VAGUE.test(error.code)
      ? ['chainedError']
      : error.is('RequestError')
        ? ['cause']
        : [],
  code,
  classes: {
    UserAuthenticationExpiredError: 'authentication-failed',
    ClosedConnectionError: 'connection-lost',
    DrainingConnectionError: 'client-misuse',
    InvalidArgumentError: 'client-misuse',
    InvalidOperationError: 'client-misuse',
    InvalidSubjectError: 'client-misuse',
    JetStreamNotEnabled: 'server-not-ready',
  },
  // `AuthorizationError` and `ConnectionError` of version 3 tell why in their text; so do servers' own words.
  texts: [
    ...ERRORS.map(([pattern, means, advice]) => {
      const bare = new RegExp(pattern.source.replace(/\^/g, "^'?"), pattern.flags)
      return advice ? ([bare, means, advice] as const) : ([bare, means] as const)
    }),
    [/^no responders: '/, 'server-not-ready'],
    [/^illegal subject: '/, 'client-misuse'],
    [/^closed connection$/, 'connection-lost'],
  ],
  ownTexts: [
    [/^timeout$/i, TIME_LIMIT],
    [/^connection (closed|disconnected)|^disconnect$/i, 'connection-lost'],
    [/^connection refused$/i, 'connection-refused'],
  ],
  rejected: error => refusal(error) !== undefined || /^(PERMISSIONS_VIOLATION|503)$/.test(error.code),
}
