/** Servers that answer before they serve: crash recovery, recovery from an archive, loading a data set. */

import pg from 'pg'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { freePort } from '../support/root.js'
import {
  appUrl,
  askPostgres,
  askRedis,
  gate,
  postgresReadyAt,
  type Race,
  redisReadyAt,
  released,
  type Setting,
} from './race.js'

const READY = /database system is ready to accept connections/g

/** Writes until the server is gone; resolves with how many sessions wrote. */
async function writeLoad(server: PostgresServer, { defer }: Setting): Promise<void> {
  await server.sql('create table load (n int, filler text); grant all on load to app')
  const clients = [1, 2].map(() => new pg.Client({ connectionString: server.url() }))
  for (const client of clients) client.on('error', () => {})
  await Promise.all(clients.map(client => client.connect()))
  const insert = "insert into load select i, repeat('x', 200) from generate_series(1, 500) i"
  const writing = clients.map(async client => {
    for (;;) await client.query(insert)
  })
  const over = Promise.allSettled(writing)
  defer(() => over)
}

export const crashRecovery: Race = {
  name: 'crash recovery under write load',
  since: "the recovered server's log",
  async run(setting) {
    const { random, defer } = setting
    const server = await startPostgres()
    defer(() => server.remove())
    await writeLoad(server, setting)
    await random.pause(50, 300)
    await server.kill()
    const url = server.url()
    const release = gate(setting, [url], () => askPostgres(url))
    await random.pause(0, 300)
    await server.start()
    return released(await release, postgresReadyAt(server.log()))
  },
}

export const killedBackend: Race = {
  name: 'crash of a backend, same postmaster',
  since: "the recovered server's log",
  async run(setting) {
    const { random, defer } = setting
    const server = await startPostgres({ settings: { restart_after_crash: 'on' } })
    defer(() => server.remove())
    await writeLoad(server, setting)
    await random.pause(50, 300)
    const backend = Number(await server.sql("select pid from pg_stat_activity where usename = 'app' limit 1"))
    process.kill(backend, 'SIGKILL')
    // From here on the postmaster answers 57P03, until the second time that it says it is ready.
    await server.waitForLog(/terminating any other active server processes/)
    const url = server.url()
    const release = gate(setting, [url], () => askPostgres(url))
    await server.waitForLog(new RegExp(`(${READY.source}[^]*){2}`))
    const end = await release
    const readyAt = postgresReadyAt(server.log())
    // Recovery takes less than the start of a process where little was written.
    return released(end, Math.max(readyAt, end.begun))
  },
}

export const longRecovery: Race = {
  name: 'recovery that lasts (57P03)',
  since: "the server's log",
  async run(setting) {
    const { random, defer } = setting
    const port = await freePort()
    const url = appUrl(port)
    const release = gate(setting, [url], () => askPostgres(url))
    await random.pause(0, 200)
    // A hot standby would let readers in a moment before it says that it is ready.
    const server = await startPostgres({ port, state: 'starting', settings: { hot_standby: 'off' } })
    defer(() => server.remove())
    await random.pause(200, setting.thorough ? 3_000 : 800)
    await server.release()
    return released(await release, postgresReadyAt(server.log()))
  },
}

export const redisLoading: Race = {
  name: 'Redis LOADING',
  since: "the server's log",
  async run(setting) {
    const { random, defer, thorough } = setting
    const port = await freePort()
    const release = gate(setting, [`redis://127.0.0.1:${port}`], () => askRedis('127.0.0.1', port))
    await random.pause(0, 200)
    const server = await startRedis({ port, loadingMs: random.between(200, thorough ? 3_000 : 800) })
    defer(() => server.remove())
    await server.waitForLog(/Ready to accept connections/)
    return released(await release, redisReadyAt(server.log()))
  },
}
