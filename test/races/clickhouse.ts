/** ClickHouse in a container: the temporary server of its image, and a port that is published before it listens. */
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse.js'
import { APP_PASSWORD } from '../support/postgres-cluster.js'
import { freePort } from '../support/root.js'
import { buildUrl } from '../support/url.js'
import { REFUSALS, startProxy } from './published-port.js'
import { failureWithin, gate, type Race, released, wallClock } from './race.js'
import type { Random } from './random.js'

const urlOf = (port: number): string =>
  buildUrl({
    scheme: 'clickhouse',
    host: '127.0.0.1',
    port,
    user: 'app',
    password: APP_PASSWORD,
    database: 'app',
  })

/** Logs in with fetch, as the official clients' HTTP does, and asks one question. */
async function askClickHouse(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/?database=app`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`app:${APP_PASSWORD}`)}`, connection: 'close' },
    body: 'SELECT 40 + 2',
    signal: AbortSignal.timeout(5_000),
  })
  const text = await response.text()
  if (text !== '42\n') throw new Error(`${response.status} ${text.trim()}`)
}

/** When the server that runs now last said that it serves, by its own log. */
function clickhouseReadyAt(log: string): number {
  const [, date = '', time, fraction = ''] =
    [...log.matchAll(/^(\d{4}\.\d\d\.\d\d) ([\d:]+)(\.\d+) .*Application: Ready for connections/gm)].at(-1) ??
    []
  return Date.parse(`${date.replaceAll('.', '-')}T${time}Z`) + Number(fraction) * 1000
}

/** When the server that runs now began to count its age, by its own clock: between two of its seconds. */
async function bornAt(server: ClickHouseServer): Promise<number> {
  const uptime = async () => Number(await server.sql('SELECT uptime()'))
  const first = await uptime()
  for (;;) {
    const now = await uptime()
    if (now !== first) return wallClock() - now * 1000
  }
}

/** As long as a script of /docker-entrypoint-initdb.d takes. */
const initScript = (server: ClickHouseServer, random: Random) =>
  server.sql(`SELECT sleep(${random.between(100, 700) / 1000})`)

/**
 * The entrypoint of the official image starts a server with --listen_host=127.0.0.1 for the scripts, stops it, and
 * starts the real one. Whoever waits inside the container, or with its network, meets both.
 */
export const clickhouseInit: Race = {
  name: 'temporary ClickHouse server, --stable',
  since: "the real server's age",
  async run(setting) {
    const { random, defer, thorough } = setting
    const stableMs = thorough ? 2_000 : 1_000
    const port = await freePort()
    const ask = () => askClickHouse(port)
    const release = gate(setting, [urlOf(port), '--stable', `${stableMs}ms`], ask)
    await random.pause(0, 200)
    const server = await startClickHouse({ port })
    defer(() => server.remove())
    await initScript(server, random)
    await server.stop()
    await random.pause(0, 100)
    await server.start()
    const stableAt = (await bornAt(server)) + stableMs
    const end = await release
    const later = await failureWithin(thorough ? 4_000 : 1_000, ask)
    return released(end, stableAt, later)
  },
}

/** Docker's proxy accepts for the temporary server, too, and cannot reach it: it listens inside alone. */
export const clickhousePublished: Race = {
  name: 'published port of a ClickHouse that initialises',
  since: "the real server's log",
  async run(setting) {
    const { random, defer } = setting
    const [inside, backend] = [await freePort(), await freePort()]
    const proxy = await startProxy(backend, random.pick(REFUSALS))
    defer(() => proxy.close())
    const release = gate(setting, [urlOf(proxy.port)], () => askClickHouse(proxy.port))
    await random.pause(0, 200)
    const temporary = await startClickHouse({ port: inside })
    defer(() => temporary.remove())
    await initScript(temporary, random)
    await temporary.stop()
    const server = await startClickHouse({ port: backend })
    defer(() => server.remove())
    return released(await release, clickhouseReadyAt(server.log()))
  },
}
