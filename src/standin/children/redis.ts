import { createRequire } from 'node:module'
import { listenLocal } from '../../io/listen.js'
import { serveParent } from '../owned/parent.js'
import { redisFront } from '../redis/front.js'
import type { RedisMockSaid, RedisMockTask } from '../redis/mock.js'
import { PubSub } from '../redis/pubsub.js'
import { type Mock, Store } from '../redis/store.js'
import { tableOf } from '../redis/table.js'

interface MockModule {
  new (options: { db: number }): Mock & { command(): Promise<unknown[]>; info(): Promise<string> }
}

const MOST_CLIENTS = 1000

serveParent<RedisMockTask>(async ({ mock, password }): Promise<RedisMockSaid> => {
  const Redis = createRequire(mock)(mock) as MockModule
  const first = new Redis({ db: 0 })
  const version = /redis_version:(\S+)/.exec(await first.info())?.[1] ?? '7.0.0'
  const store = new Store(tableOf(await first.command()), db => (db === 0 ? first : new Redis({ db })))
  const serve = redisFront({ store, pubsub: new PubSub(), password, version })
  return listenLocal(serve, {
    most: MOST_CLIENTS,
    refuse: socket => void socket.end('-ERR max number of clients reached\r\n'),
  })
})
