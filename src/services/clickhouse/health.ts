import { crowding } from '../../core/capacity.js'
import type { Health, Row } from '../../core/service.js'
import { Findings, number, plaintext, seconds } from '../findings.js'
import { concernsOf, type Disk } from './concerns.js'
import type { Exchange } from './exchange.js'

interface Asking {
  readonly wire: Exchange
  readonly version: string | undefined
  ask(text: string): Promise<readonly Row[]>
}

const METRICS = `SELECT metric, toString(value) FROM system.metrics
  WHERE metric IN ('HTTPConnection', 'TCPConnection', 'Query', 'DelayedInserts', 'ReadonlyReplica')`

const EVENTS =
  "SELECT event, toString(value) FROM system.events WHERE event IN ('DelayedInserts', 'RejectedInserts')"

/** Since 23.3; before, a client cannot read the server's settings. */
const LIMITS = `SELECT name, value FROM system.server_settings
  WHERE name IN ('max_connections', 'max_concurrent_queries')`

const DISKS = 'SELECT name, toString(free_space), toString(total_space) FROM system.disks'

const REPLICAS = `SELECT toString(count()), toString(sum(is_readonly)), toString(max(absolute_delay)),
  toString(arrayStringConcat(groupArray(10)(if(is_readonly, concat(database, '.', table), '')), ' '))
  FROM system.replicas`

/** What ClickHouse tells this user of itself. */
export async function healthOf(session: Asking): Promise<Health> {
  const findings = new Findings()
  const { link, target } = session.wire
  const rows = async (text: string): Promise<readonly Row[]> =>
    (await findings.allowed(() => session.ask(text))) ?? []
  const row = async (text: string): Promise<Row> => (await rows(text))[0] ?? []
  const table = async (text: string) => new Map((await rows(text)).map(([name, value]) => [name, value]))

  const [uptime] = await row('SELECT toString(uptime())')
  const [user] = await row('SELECT currentUser()')
  const readonly = (await row("SELECT value FROM system.settings WHERE name = 'readonly'"))[0]
  const metrics = await table(METRICS)
  const events = await table(EVENTS)
  const limits = await table(LIMITS)
  const [replicas, stuck, delay, names] = await row(REPLICAS)
  const connections = number(metrics.get('HTTPConnection')) + number(metrics.get('TCPConnection'))
  findings.put({
    version: session.version,
    uptimeMs: seconds(uptime),
    user: user ?? target.user ?? 'default',
    readOnly: readonly === undefined ? undefined : readonly !== '0',
    connectionsUsed: connections,
    connectionsMax: positive(limits.get('max_connections')),
    queriesRunning: number(metrics.get('Query')),
    queriesMax: positive(limits.get('max_concurrent_queries')),
    delayedInserts: number(metrics.get('DelayedInserts')),
    rejectedInserts: metrics.size > 0 ? number(events.get('RejectedInserts') ?? '0') : undefined,
    replicas: number(replicas),
    readOnlyReplicas: number(stuck),
    replicationLagMs: number(replicas) > 0 ? seconds(delay) : undefined,
    tls: link?.secure,
  })
  const step = /^(1\d|20)\./.test(session.version ?? '') ? 1000 : 1
  const now =
    step === 1 ? 'toString(toUnixTimestamp64Milli(now64(3)) / 1000)' : 'toString(toUnixTimestamp(now()))'
  await findings.clock(async () => seconds((await session.ask(`SELECT ${now}`))[0]?.[0]), step)
  const disks = (await rows(DISKS)).map(
    ([name, free, total]): Disk => ({ name: name ?? '', free: number(free), total: number(total) }),
  )
  const [least] = disks.filter(({ total }) => total > 0).sort((a, b) => a.free / a.total - b.free / b.total)
  findings.put({ diskFreeBytes: least?.free, diskTotalBytes: least?.total })
  const open = link && !link.local && !target.password ? link.address : undefined
  findings.add(...concernsOf(findings.facts, { disk: least, stuck: names?.trim() ?? '', open }))
  findings.add(crowding(findings.facts), link && plaintext(link, 'clickhouses://'))
  const { migrations } = await import('./ledgers.js')
  await migrations(session, findings)
  return findings.health()
}

/** A limit; 0 means none. */
const positive = (text: string | null | undefined): number | undefined => {
  const value = number(text)
  return value > 0 ? value : undefined
}
