/** What images of databases do at their first start: a temporary server for the init scripts, then the real one. */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { freePort } from '../support/root.js'
import { appUrl, askPostgres, failureWithin, gate, postgresReadyAt, type Race, released } from './race.js'
import type { Random } from './random.js'

/** As long as a script of /docker-entrypoint-initdb.d takes. */
const initScript = (server: PostgresServer, random: Random, low: number, high: number) =>
  server.sql(`create table seeds (n int); select pg_sleep(${random.between(low, high) / 1000})`)

export const socketOnly: Race = {
  name: 'temporary server on the Unix socket',
  since: "the real server's log",
  async run(setting) {
    const { random, defer } = setting
    const port = await freePort()
    const url = appUrl(port)
    const release = gate(setting, [url], () => askPostgres(url))
    await random.pause(0, 200)
    const server = await startPostgres({ port, socketOnly: true })
    defer(() => server.remove())
    await initScript(server, random, 50, 400)
    await server.stop('fast')
    appendFileSync(join(server.dataDir, 'postgresql.conf'), "listen_addresses = '127.0.0.1'\n")
    await server.start()
    return released(await release, postgresReadyAt(server.log()))
  },
}

/** When the server that runs now came to be, by its own clock, as --stable counts. */
async function bornAt(server: PostgresServer): Promise<number> {
  const born = 'greatest(pg_postmaster_start_time(), stats_reset)'
  return Number(await server.sql(`select extract(epoch from ${born}) * 1000 from pg_stat_bgwriter`))
}

export const tcpThenRestart: Race = {
  name: 'temporary server on TCP, --stable',
  since: "the real server's age",
  async run(setting) {
    const { random, defer, thorough } = setting
    const stableMs = thorough ? 2_000 : 1_000
    const port = await freePort()
    const url = appUrl(port)
    const release = gate(setting, [url, '--stable', `${stableMs}ms`], () => askPostgres(url))
    await random.pause(0, 200)
    const server = await startPostgres({ port })
    defer(() => server.remove())
    await initScript(server, random, 100, 700)
    await server.stop('fast')
    await random.pause(0, 100)
    await server.start()
    const stableAt = (await bornAt(server)) + stableMs
    const end = await release
    const later = await failureWithin(thorough ? 4_000 : 1_000, () => askPostgres(url))
    return released(end, stableAt, later)
  },
}
