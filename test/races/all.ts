import { clickhouseInit, clickhousePublished } from './clickhouse.js'
import { twoAddresses } from './localhost.js'
import { mariadbSocketOnly, mariadbTcpThenRestart } from './mariadb.js'
import { pooledRestart } from './pooler.js'
import { publishedPort } from './published-port.js'
import { rabbitmqBoots, rabbitmqPublished } from './rabbitmq.js'
import type { Race } from './race.js'
import { crashRecovery, killedBackend, longRecovery, redisLoading } from './recovery.js'
import { redisNoAuth } from './rejected.js'
import { silence } from './silence.js'
import { socketOnly, tcpThenRestart } from './temporary-server.js'

/** The races that a gate must survive, each with real servers. */
export const RACES: readonly Race[] = [
  socketOnly,
  tcpThenRestart,
  mariadbSocketOnly,
  mariadbTcpThenRestart,
  publishedPort,
  crashRecovery,
  killedBackend,
  longRecovery,
  redisLoading,
  redisNoAuth,
  twoAddresses,
  silence,
  pooledRestart,
  clickhouseInit,
  clickhousePublished,
  rabbitmqBoots,
  rabbitmqPublished,
]
