import { type Rules, TIME_LIMIT } from '../../core/rules.js'
import { byCode } from './classify.js'

/** kafkajs. Source of the classes: its src/errors.js. */
export const kafkaRules: Rules = {
  drivers: ['kafkajs', 'kafka'],
  behind: error =>
    error.is('KafkaJSNumberOfRetriesExceeded', 'KafkaJSNonRetriableError') ? ['cause', 'originalError'] : [],
  code(error, { named }) {
    const [number, type] = [error.number('code'), error.text('type')]
    const own = /^[A-Z][A-Z_]+$/.test(type) && (named || /^KafkaJS/.test(error.text('name') || error.kind))
    return own && number !== undefined ? byCode(number, error.message) : undefined
  },
  classes: {
    KafkaJSSASLAuthenticationError: 'authentication-failed',
    KafkaJSConnectionClosedError: 'connection-lost',
    KafkaJSRequestTimeoutError: TIME_LIMIT,
    KafkaJSTimeout: TIME_LIMIT,
    KafkaJSBrokerNotFound: 'server-not-ready',
    KafkaJSGroupCoordinatorNotFound: 'server-not-ready',
    KafkaJSMetadataNotLoaded: 'server-not-ready',
    KafkaJSTopicMetadataNotLoaded: 'server-not-ready',
    KafkaJSStaleTopicMetadataAssignment: 'server-not-ready',
    KafkaJSLockTimeout: 'pool-exhausted',
    KafkaJSServerDoesNotSupportApiKey: 'protocol-mismatch',
    KafkaJSUnsupportedMagicByteInMessageSet: 'protocol-mismatch',
    KafkaJSInvariantViolation: 'client-misuse',
    KafkaJSNotImplemented: 'client-misuse',
  },
  texts: [
    [/^Connection (timeout|timed out)$/, 'connect-timeout'],
    [/^Closed connection$|^Connection error: Client network socket disconnected/, 'connection-lost'],
    [/SASL (PLAIN|SCRAM SHA\d+|OAUTHBEARER) authentication failed/, 'authentication-failed'],
  ],
  // A batch may be taken by some partitions and not by others, or by the leader alone.
  rejected: (error, { reason }) =>
    error.is('KafkaJSProtocolError') &&
    error.number('code') !== 20 &&
    !['statement-timeout', 'connection-lost'].includes(reason),
}
