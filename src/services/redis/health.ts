import { crowding } from '../../core/capacity.js'
import type { Health, Link } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import type { Reply } from '../../wire/resp.js'
import { Findings, number, plaintext, seconds } from '../findings.js'
import { concernsOf } from './concerns.js'

interface Asking {
  readonly server: Server
  readonly link: Link
  ask(...words: string[]): Promise<Reply>
}

/** What Redis or Valkey tells this user of itself. */
export async function healthOf(session: Asking, target: Target): Promise<Health> {
  const findings = new Findings()
  const told = async (...words: string[]): Promise<string | undefined> => {
    const reply = await findings.allowed(() => session.ask(...words))
    return reply === undefined || reply === null || Array.isArray(reply) ? undefined : String(reply)
  }
  const config = async (name: string): Promise<string | undefined> => {
    const reply = await findings.allowed(() => session.ask('CONFIG', 'GET', name))
    return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
  }

  const info = fieldsOf((await told('INFO')) ?? '')
  const field = (name: string) => info.get(name)
  const flag = (name: string) => (info.has(name) ? field(name) === '1' : undefined)
  findings.put({
    version: session.server.version ?? field('valkey_version') ?? field('redis_version'),
    product: session.server.product,
    uptimeMs: seconds(field('uptime_in_seconds')),
    role: field('role'),
    connectedReplicas: number(field('connected_slaves')),
    primary: field('master_host') && `${field('master_host')}:${field('master_port')}`,
    primaryLink: field('master_link_status'),
    memoryUsedBytes: number(field('used_memory')),
    memoryMaxBytes: number(field('maxmemory')),
    memoryPolicy: field('maxmemory_policy'),
    appendOnly: flag('aof_enabled'),
    lastSaveOk: info.has('rdb_last_bgsave_status') ? field('rdb_last_bgsave_status') === 'ok' : undefined,
    lastAppendOk: flag('aof_enabled') ? field('aof_last_write_status') === 'ok' : undefined,
    changesSinceSave: number(field('rdb_changes_since_last_save')),
    loading: flag('loading'),
    connectionsUsed: number(field('connected_clients')),
    connectionsMax: number(field('maxclients') ?? (await config('maxclients'))),
    refusedConnections: number(field('rejected_connections')),
    blockedClients: number(field('blocked_clients')),
    evictedKeys: number(field('evicted_keys')),
    expiredKeys: number(field('expired_keys')),
    cluster: flag('cluster_enabled'),
    clusterState: flag('cluster_enabled')
      ? fieldsOf((await told('CLUSTER', 'INFO')) ?? '').get('cluster_state')
      : undefined,
    user: (await told('ACL', 'WHOAMI')) ?? target.user,
    save: await config('save'),
    stopWritesOnError: yes(await config('stop-writes-on-bgsave-error')),
    protectedMode: yes(await config('protected-mode')),
    bindAddress: await config('bind'),
    idleTimeoutMs: seconds(await config('timeout')),
    peerAddress: /\baddr=\[?([^\s\]]+?)\]?:\d+ /.exec((await told('CLIENT', 'INFO')) ?? '')?.[1],
    tls: session.link.secure,
  })
  await findings.clock(async () => {
    const reply = await session.ask('TIME')
    const [second, micro] = Array.isArray(reply) ? reply.map(String) : []
    return seconds(second) + Math.round(number(micro) / 1000)
  })
  findings.put({ latencyMs: await latency() })
  const open = !target.password && !session.link.local ? session.link.address : undefined
  findings.add(...concernsOf(findings.facts, open), crowding(findings.facts))
  findings.add(plaintext(session.link, 'rediss://'))
  return findings.health()

  /** The shortest of a few round trips, in milliseconds. */
  async function latency(): Promise<number | undefined> {
    let least: number | undefined
    for (let i = 0; i < 3; i++) {
      const began = performance.now()
      if ((await told('PING')) === undefined) return undefined
      least = Math.min(least ?? Number.POSITIVE_INFINITY, performance.now() - began)
    }
    return least === undefined ? undefined : Math.round(least * 100) / 100
  }
}

const yes = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : text === 'yes'

/** The fields of INFO and CLUSTER INFO. */
const fieldsOf = (text: string): Map<string, string> =>
  new Map(
    text
      .split(/\r?\n/)
      .filter(line => !line.startsWith('#') && line.includes(':'))
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  )
