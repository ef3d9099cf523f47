import { Look } from '../../core/look.js'

/** Names of classes that no other library has. A class of the program's own may be called like some others. */
const CLASSES =
  /^(Mongo\w+(Error|Exception)|KafkaJS\w+|Nats(Error|\w+Error)|JetStream\w*Error|ClickHouseError|PostgresError|SqlError|ReplyError|ErrorReply|SimpleError|BlobError|MultiErrorReply|ErrorWithReasonCode|ErrorWithSubackPacket|MaxRetriesPerRequestError|ClusterAllFailedError|ReconnectStrategyError|SocketClosedUnexpectedlyError|ClientOfflineError)$/

/** mysql2's, where its lib/ sets `err.code`; and the server's. */
const MYSQL = /^(ER_[A-Z0-9_]+|PROTOCOL_(CONNECTION_LOST|SEQUENCE_TIMEOUT|ENQUEUE_\w+)|POOL_NONEONLINE)$/

/** pg's and pg-pool's own sentences, which carry neither class nor code. */
const PG =
  /^(timeout exceeded when trying to connect|Connection terminated (unexpectedly|due to connection timeout)|Query read timeout)$/

/**
 * Whether an error bears what only a driver gives it: a class or code of its own, SQLSTATE with a severity, a
 * reply. A bare socket error, a time-out or a wording could be anybody's.
 */
export function isMarked(error: unknown): boolean {
  const seen = Look.at(error)
  const { code, kind, message } = seen
  if (CLASSES.test(kind) || CLASSES.test(seen.text('name'))) return true
  // pg's DatabaseError and postgres.js' error: SQLSTATE beside the fields of the same message.
  if (/^[0-9A-Z]{5}$/.test(code) && (seen.text('severity') || seen.text('severity_local'))) return true
  // postgres.js repeats its code as errno.
  if (/^CONNECT(ION)?_/.test(code) && seen.text('errno') === code) return true
  // mysql2 and mariadb say of a socket's error that it is fatal.
  if (MYSQL.test(code) || seen.text('sqlState') || (seen.flag('fatal') && seen.number('errno'))) return true
  // amqplib's close of a channel or a connection.
  if (seen.number('classId') !== undefined && seen.number('methodId') !== undefined) return true
  return PG.test(message)
}
