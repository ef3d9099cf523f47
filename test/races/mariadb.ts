/**
 * What the images of MySQL and MariaDB do at their first start: a temporary server for the init scripts, without
 * TCP in the official ones and with it in others, then the real one.
 */
import { type MariadbServer, startMariadb } from '../support/mariadb.js'
import { APP_PASSWORD } from '../support/postgres-cluster.js'
import { freePort } from '../support/root.js'
import { run } from '../support/run.js'
import { buildUrl } from '../support/url.js'
import { failureWithin, gate, type Race, released, type Trial, wallClock } from './race.js'
import type { Random } from './random.js'

const addressOf = (port: number): string =>
  buildUrl({ scheme: 'mysql', host: '127.0.0.1', port, user: 'app', password: APP_PASSWORD, database: 'app' })

/** Logs in with MariaDB's own client, by TCP or a Unix socket, and asks one question. */
async function askMariadb(...where: string[]): Promise<void> {
  const args = ['--no-defaults', ...where, '--user=app', '--connect-timeout=5', '--execute=select 1', 'app']
  const { status, stderr } = await run('mariadb', args, { env: { MYSQL_PWD: APP_PASSWORD } })
  if (status !== 0) throw new Error(stderr.trim())
}

const overTcp = (port: number) => () => askMariadb('--protocol=tcp', '--host=127.0.0.1', `--port=${port}`)

/** As long as a script of /docker-entrypoint-initdb.d takes. */
const initScript = (server: MariadbServer, random: Random, low: number, high: number) =>
  server.sql(`create table seeds (n int); select sleep(${random.between(low, high) / 1000})`)

export const mariadbSocketOnly: Race = {
  name: 'MariaDB, temporary server without TCP',
  since: 'the harness seeing the log',
  async run(setting): Promise<Trial> {
    const { random, defer } = setting
    const port = await freePort()
    const release = gate(setting, [addressOf(port)], overTcp(port))
    await random.pause(0, 200)
    const server = await startMariadb({ port, socketOnly: true })
    defer(() => server.remove())
    await initScript(server, random, 50, 400)
    await server.stop()
    // Its log has whole seconds: before this moment nothing listens, at the next one it was seen to.
    const before = wallClock()
    await server.start()
    const seen = wallClock()
    const end = await release
    const early = end.at < before ? 'released before the real server was started' : undefined
    return released(end, Math.min(seen, end.at), early)
  },
}

export const mariadbTcpThenRestart: Race = {
  name: 'MariaDB, temporary server on TCP, --stable',
  since: 'the harness seeing the log',
  async run(setting): Promise<Trial> {
    const { random, defer, thorough } = setting
    const stableMs = thorough ? 3_000 : 2_000
    const port = await freePort()
    const connects = overTcp(port)
    const release = gate(setting, [addressOf(port), '--stable', `${stableMs}ms`], connects)
    await random.pause(0, 200)
    const server = await startMariadb({ port })
    defer(() => server.remove())
    await initScript(server, random, 100, 700)
    await server.stop()
    await random.pause(0, 100)
    const before = wallClock()
    await server.start()
    const seen = wallClock()
    const end = await release
    const later = await failureWithin(thorough ? 4_000 : 1_000, connects)
    const early = end.at < before + stableMs ? 'released before the real server was old enough' : undefined
    return released(end, Math.min(seen + stableMs, end.at), early ?? later)
  },
}
