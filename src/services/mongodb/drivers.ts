import type { Look } from '../../core/look.js'
import { type Circumstances, type Rules, TIME_LIMIT } from '../../core/rules.js'
import type { Finding } from '../../core/verdict.js'
import { byCode } from './classify.js'

function codeOf(error: Look, named: boolean): number | undefined {
  const isOwn =
    named || error.has('codeName') || /^Mongo/.test(error.kind) || /^Mongo/.test(error.text('name'))
  return isOwn ? error.number('code') : undefined
}

function code(error: Look, { named }: Circumstances): Finding | undefined {
  const number = codeOf(error, named)
  return number === undefined ? undefined : byCode(number, error.message)
}

/** The set has members, but at the moment none that takes writes. */
const withoutPrimary = (error: Look): boolean => error.inner('reason')?.text('type') === 'ReplicaSetNoPrimary'

const WITHOUT_PRIMARY =
  'The set elects a primary: wait; if it lasts, check its members and the replicaSet of the address.'

/** A time-out before there was a session; without this mark it is one of a statement. */
const isDial = (error: Look): boolean =>
  error.is('MongoNetworkTimeoutError') && /^Socket '\w+' timed out|^connection <monitor>/.test(error.message)

const labels = (error: Look): string[] => error.list('errorLabels').map(String)

/** mongodb. Source of the classes: its src/error.ts and src/cmap/errors.ts. */
export const mongodbRules: Rules = {
  drivers: ['mongodb', 'mongoose', 'mongo'],
  behind(error) {
    if (error.is('MongoServerSelectionError'))
      return ['cause', ...(withoutPrimary(error) ? [] : ['lastEvent'])]
    return error.is('MongoNetworkError', 'MongoPoolClearedError', 'PoolClearedOnNetworkError')
      ? ['cause']
      : []
  },
  code(error, circumstances) {
    const { message } = error
    if (error.is('MongoServerSelectionError') && withoutPrimary(error))
      return { reason: 'server-not-ready', message, advice: WITHOUT_PRIMARY }
    if (isDial(error)) return { reason: 'connect-timeout', message }
    // Bytes of another protocol, read as a length, come as the class of an invalid address.
    if (error.is('MongoParseError') && /^(Invalid )?message size/i.test(message))
      return { reason: 'protocol-mismatch', message }
    return code(error, circumstances)
  },
  classes: {
    MongoServerSelectionError: 'connect-timeout',
    MongoNetworkTimeoutError: TIME_LIMIT,
    MongoOperationTimeoutError: TIME_LIMIT,
    MongoNetworkError: 'connection-lost',
    MongoPoolClearedError: 'connection-lost',
    PoolClearedOnNetworkError: 'connection-lost',
    MongoServerClosedError: 'connection-lost',
    MongoStalePrimaryError: 'server-not-ready',
    MongoWaitQueueTimeoutError: 'pool-exhausted',
    WaitQueueTimeoutError: 'pool-exhausted',
    MongoCompatibilityError: 'protocol-mismatch',
    MongoUnexpectedServerResponseError: 'protocol-mismatch',
    MongoDecompressionError: 'protocol-mismatch',
    BSONError: { connecting: 'protocol-mismatch', later: 'client-misuse' },
    MongoParseError: 'client-misuse',
    MongoNotConnectedError: 'client-misuse',
    MongoTopologyClosedError: 'client-misuse',
    MongoClientClosedError: 'client-misuse',
    MongoPoolClosedError: 'client-misuse',
    PoolClosedError: 'client-misuse',
    MongoInvalidArgumentError: 'client-misuse',
    MongoMissingCredentialsError: 'client-misuse',
    MongoMissingDependencyError: 'client-misuse',
    MongoExpiredSessionError: 'client-misuse',
    MongoTransactionError: 'client-misuse',
    MongoAPIError: 'client-misuse',
    MongoServerError: 'query-error',
    MongoBulkWriteError: 'query-error',
    MongoWriteConcernError: 'statement-timeout',
  },
  texts: [],
  sessionless: true,
  // A write concern that was not met, a bulk, a time limit: the write is there, or a part of it.
  rejected: (error, { reason }) =>
    codeOf(error, true) !== undefined &&
    !error.is('MongoBulkWriteError', 'MongoClientBulkWriteError', 'MongoWriteConcernError') &&
    !labels(error).includes('UnknownTransactionCommitResult') &&
    !['connection-lost', 'statement-timeout', 'server-not-ready'].includes(reason) &&
    error.number('code') !== 189,
}
