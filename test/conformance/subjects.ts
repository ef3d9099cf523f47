import { clickhouse } from './clickhouse.js'
import { exec } from './exec.js'
import { http } from './http.js'
import { kafka } from './kafka.js'
import { memcached } from './memcached.js'
import { mongodb } from './mongodb.js'
import { mqtt } from './mqtt.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { postgres } from './postgres.js'
import { rabbitmq } from './rabbitmq.js'
import { redis } from './redis.js'
import type { Subject } from './subject.js'
import { tcp } from './tcp.js'

/** Every service. A new one adds its line here; the suite fails while a service of the registry is missing. */
export const SUBJECTS: readonly Subject[] = [
  postgres,
  redis,
  mysql,
  clickhouse,
  rabbitmq,
  nats,
  memcached,
  mqtt,
  mongodb,
  kafka,
  http,
  tcp,
  exec,
]
