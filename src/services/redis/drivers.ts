import type { Look } from '../../core/look.js'
import { byText, type Rules, type TextRule, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { classifyRedis } from './classify.js'

/** Replies that a probe's commands never get. Source: Redis' src/, its error replies. */
const REPLIES: readonly TextRule[] = [
  [/^-?NOMASTERLINK /, 'server-not-ready'],
  [/^-?NOPROTO |^-?ERR Protocol error/, 'protocol-mismatch'],
  [/^-?UNBLOCKED force unblock/, 'read-only'],
]

function byReply(error: Look): Finding | undefined {
  const { message } = error
  const code = /^-?([A-Z]{3,})(?= |$)/.exec(message)?.[1]
  if (!code) return undefined
  const rare = byText(REPLIES, message)
  if (rare) return { reason: rare.reason, code, message }
  // A reply with a prefix of a module, or of a newer server, is an answer all the same.
  return classifyRedis({ message }) ?? (isReply(error) ? { reason: 'query-error', code, message } : undefined)
}

/** Of the class of time limits is what ioredis rejects the rest of a pipeline with; what EXEC did not carry out is known. */
function told(error: Look): Finding | undefined {
  const { message } = error
  if (message === 'Command aborted due to connection close')
    return { reason: 'connection-lost', message, byText: true }
  return error.is('WatchError') ? { reason: 'transaction-conflict', message } : undefined
}

/** What node-redis and ioredis call an error that the server replied. */
const isReply = (error: Look): boolean => error.is('SimpleError', 'BlobError', 'ErrorReply', 'ReplyError')

/** ioredis and node-redis. Source of classes and texts: where their built/ and dist/ create errors. */
export const redisRules: Rules = {
  drivers: ['ioredis', 'redis', 'node-redis', '@redis/client', 'valkey'],
  behind(error) {
    if (error.is('ClusterAllFailedError')) return ['lastNodeError', 'lastEvent']
    if (error.is('ReconnectStrategyError')) return ['socketError', 'originalError']
    if (error.is('MaxCommandRedirectionsError', 'ScanIteratorInterruptedError')) return ['cause']
    const hides =
      error.is('MaxRetriesPerRequestError', 'ClientOfflineError', 'RootNodesUnavailableError') ||
      /^Connection is closed\.$|enableOfflineQueue options is false$|^None of startup nodes/.test(
        error.message,
      )
    return hides ? ['lastEvent'] : []
  },
  // Without a name these words could be anybody's.
  code: (error, { named }) => told(error) ?? (named || isReply(error) ? byReply(error) : undefined),
  classes: {
    ConnectionTimeoutError: 'connect-timeout',
    SocketClosedUnexpectedlyError: 'connection-lost',
    DisconnectsClientError: 'connection-lost',
    ClientOfflineError: 'connection-lost',
    MaxRetriesPerRequestError: 'connection-lost',
    ScanIteratorInterruptedError: 'connection-lost',
    SocketTimeoutError: 'statement-timeout',
    TimeoutError: TIME_LIMIT,
    SocketTimeoutDuringMaintenanceError: 'statement-timeout',
    CommandTimeoutDuringMaintenanceError: 'statement-timeout',
    AbortError: TIME_LIMIT,
    ClientClosedError: 'client-misuse',
    URIError: 'client-misuse',
    ClusterAllFailedError: 'connect-timeout',
    RootNodesUnavailableError: 'connect-timeout',
    MaxCommandRedirectionsError: 'server-not-ready',
    MultiErrorReply: 'query-error',
  },
  texts: [
    [/^Connection is closed\.$|^Socket closed unexpectedly$/, 'connection-lost'],
    [/^Stream isn't writeable and enableOfflineQueue/, 'connection-lost'],
    [/^Cluster isn't ready and enableOfflineQueue/, 'server-not-ready'],
    [/^Command timed out$|^Socket timeout\b/, 'statement-timeout'],
    [/^Unknown RESP type |^Protocol error, got /, 'protocol-mismatch'],
    [
      /^(All sentinels|None of the sentinels|None of startup nodes)|any sentinel( node)?s?$/,
      'connect-timeout',
    ],
    [/^no (valid master node|available replicas|replicas available)/, 'server-not-ready'],
    [/^The queue is full$/, 'pool-exhausted'],
    [/^Too many Cluster redirections/, 'server-not-ready'],
    [
      /^Redis is already connecting|^Socket already opened$|^Cluster (already open|closed|is disconnect)/,
      'client-misuse',
    ],
    [/^Connection in (subscriber|monitoring) mode/, 'client-misuse'],
    [
      /is not a valid Redis protocol|^Invalid (pathname|unix URL|db query parameter)$|^tls socket option|must be of type "string \| Buffer"/,
      'client-misuse',
    ],
  ],
  // Of the commands of a MULTI or a pipeline some may have been carried out.
  // A transaction whose watched keys changed was not carried out.
  rejected: error => error.is('WatchError') || (isReply(error) && byReply(error) !== undefined),
}
