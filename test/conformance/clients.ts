/** The helpers under test, and what their server can be made to do. */
import { Redis as Redis6 } from 'ioredis6'
import type { RedisClientType } from 'redis'
import { createPool } from '../../src/client/mysql.js'
import { connect } from '../../src/client/redis.js'
import { startMariadb } from '../support/mariadb.js'
import { type RedisServer, startRedis } from '../support/redis.js'
import type { UrlParts } from '../support/url.js'

interface Connected {
  /** Adds one, on the server. */
  add(): Promise<unknown>
  ask(): Promise<unknown>
  slow(): Promise<unknown>
  wrong(): Promise<unknown>
  close(): Promise<unknown>
}

interface Server {
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  pause(): void
  resume(): void
  remove(): Promise<void>
  /** Logins that it has rejected. */
  rejected(): Promise<number>
  /** How often `add` was executed. */
  sum(): Promise<number>
  /** From now on `add` is received, and the connection lost before there is an answer. */
  loseAnswer(): Promise<void>
  restoreAnswers(): Promise<void>
  /** From now on `slow` takes long. */
  hold(): Promise<void>
  letGo(): Promise<void>
}

export interface ClientSubject {
  readonly name: string
  readonly address: string
  readonly commandTimeout: string
  connect(url: string, options?: object): Promise<Connected>
  start(): Promise<Server>
}

const PASSWORD = 'right-one'

async function startedRedis(): Promise<Server> {
  const server: RedisServer = await startRedis({ password: PASSWORD })
  return {
    url: overrides => server.url(overrides),
    stop: () => server.stop(),
    start: () => server.start(),
    restart: () => server.restart(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    remove: () => server.remove(),
    rejected: () => server.errorsSent('WRONGPASS'),
    sum: async () => Number(await server.cli('get', 'n')),
    // Clients that write wait, and are then cut off.
    loseAnswer: async () => {
      await server.cli('client', 'pause', '60000', 'write')
      cut = pausedThenKilled(server)
    },
    restoreAnswers: async () => {
      await cut
      await server.cli('client', 'unpause')
    },
    hold: async () => server.pause(),
    letGo: async () => server.resume(),
  }
}

let cut: Promise<void> = Promise.resolve()

async function pausedThenKilled(server: RedisServer): Promise<void> {
  for (;;) {
    const blocked = /^blocked_clients:(\d+)/m.exec(await server.cli('info', 'clients'))?.[1]
    if (Number(blocked) > 0) break
  }
  await server.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')
}

const redis = (name: string, options: object): ClientSubject => ({
  name,
  address: 'redis://127.0.0.1:1',
  commandTimeout: 'commandTimeoutMillis',
  start: startedRedis,
  async connect(url, more) {
    const client = await connect(url, { ...options, ...more })
    return {
      add: () => client.incr('n'),
      ask: () => client.get('n'),
      slow: () => client.get('n'),
      wrong: () => client.eval('return redis.call("INCR", "n", "m")', 0 as never),
      close: () => client.quit(),
    }
  },
})

const nodeRedis: ClientSubject = {
  ...redis('holdfast/redis with node-redis', {}),
  async connect(url, more) {
    const client: RedisClientType = await connect(url, { driver: 'redis', ...more })
    return {
      add: () => client.incr('n'),
      ask: () => client.get('n'),
      slow: () => client.get('n'),
      wrong: () => client.sendCommand(['INCR', 'n', 'm']),
      close: () => client.close(),
    }
  },
}

async function startedMariadb(): Promise<Server> {
  const server = await startMariadb({
    setup: 'create table pace (seconds int); insert into pace values (0); create table n (v int)',
  })
  let killing: Promise<void> = Promise.resolve()
  const killed = async () => {
    for (;;) {
      const id = await server.sql(
        "select id from information_schema.processlist where info like 'insert into n %'",
      )
      if (id) return void (await server.sql(`kill ${id}`))
    }
  }
  return {
    url: overrides => server.url(overrides),
    stop: () => server.stop(),
    start: () => server.start(),
    restart: () => server.restart(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    remove: () => server.remove(),
    rejected: async () => server.log().match(/Access denied for user 'app'/g)?.length ?? 0,
    sum: async () => Number(await server.sql('select count(*) from n')),
    loseAnswer: async () => {
      await server.sql('update pace set seconds = 30')
      killing = killed()
    },
    restoreAnswers: async () => {
      await killing
      await server.sql('update pace set seconds = 0')
    },
    hold: async () => server.pause(),
    letGo: async () => server.resume(),
  }
}

const mysql: ClientSubject = {
  name: 'holdfast/mysql',
  address: 'mysql://app@127.0.0.1:1/app',
  commandTimeout: 'query_timeout',
  start: startedMariadb,
  async connect(url, options) {
    const pool = await createPool(url, { endTimeoutMillis: 2000, ...options })
    const close = () => pool.end()
    await pool.query('select 1').catch(error => close().then(() => Promise.reject(error)))
    return {
      add: () => pool.query('insert into n select sleep(seconds) from pace'),
      ask: () => pool.query('select count(*) from n'),
      slow: () => pool.execute('select count(*) from n'),
      wrong: () => pool.query('select from'),
      close,
    }
  },
}

export const CLIENTS: readonly ClientSubject[] = [
  redis('holdfast/redis with ioredis 5', { driver: 'ioredis' }),
  redis('holdfast/redis with ioredis 6', { Redis: Redis6 }),
  nodeRedis,
  mysql,
]
