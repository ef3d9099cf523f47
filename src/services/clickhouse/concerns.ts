import type { Concern } from '../../core/concern.js'
import { duration } from '../findings.js'

export interface Disk {
  readonly name: string
  /** Bytes. */
  readonly free: number
  readonly total: number
}

/** What the facts alone do not tell. */
export interface Context {
  /** The fullest one. */
  readonly disk: Disk | undefined
  /** Tables whose replica is read-only. */
  readonly stuck: string
  /** The address on a network where no password was asked for. */
  readonly open: string | undefined
}

type Facts = Readonly<Record<string, string | number | boolean>>

/** Less than that much of a disk is nearly nothing, and little. */
const NONE = 0.05
const LITTLE = 0.15

/** A greater lag is a concern. */
const LAG_MS = 300_000

/** Above it the next queries are refused. */
const NEARLY = 0.8

/** What follows from the facts that were read. */
export function concernsOf(facts: Facts, { disk, stuck, open }: Context): (Concern | undefined)[] {
  const value = (name: string): number => (typeof facts[name] === 'number' ? facts[name] : 0)
  const free = disk ? disk.free / disk.total : 1
  return [
    disk && free < LITTLE
      ? {
          id: 'disk-nearly-full',
          level: free < NONE ? 'error' : 'warning',
          message: `${Math.floor(free * 100)} % of the disk "${disk.name}" are free: inserts and merges need room`,
          advice: 'Drop partitions that are not needed, or give it more room.',
          fix: 'SELECT database, table, formatReadableSize(sum(bytes_on_disk)) FROM system.parts GROUP BY 1, 2 ORDER BY sum(bytes_on_disk) DESC LIMIT 10',
        }
      : undefined,
    value('readOnlyReplicas') > 0
      ? {
          id: 'replica-read-only',
          level: 'error',
          message: `${facts.readOnlyReplicas} replicated tables take no inserts${stuck ? `: ${stuck}` : ''}`,
          advice: 'Their session with Keeper is lost: see that it runs, then restart the replicas.',
          fix: 'SYSTEM RESTART REPLICAS',
        }
      : undefined,
    value('replicationLagMs') > LAG_MS
      ? {
          id: 'replication-lag',
          level: 'warning',
          message: `a replicated table is ${duration(value('replicationLagMs'))} behind`,
          advice: 'See what its queue waits for.',
          fix: 'SELECT database, table, type, last_exception FROM system.replication_queue LIMIT 10',
        }
      : undefined,
    value('delayedInserts') > 0
      ? {
          id: 'inserts-delayed',
          level: 'warning',
          message: `${facts.delayedInserts} inserts are held back, because a table has too many parts`,
          advice: 'Insert fewer and larger blocks, or use asynchronous inserts.',
          fix: 'SELECT table, count() FROM system.parts WHERE active GROUP BY table ORDER BY count() DESC LIMIT 10',
        }
      : undefined,
    value('queriesMax') > 0 && value('queriesRunning') / value('queriesMax') > NEARLY
      ? {
          id: 'queries-nearly-full',
          level: 'warning',
          message: `${facts.queriesRunning} of ${facts.queriesMax} simultaneous queries run (max_concurrent_queries)`,
          advice: 'Look for the slow ones.',
          fix: 'SELECT query_id, user, elapsed, query FROM system.processes ORDER BY elapsed DESC LIMIT 10',
        }
      : undefined,
    facts.readOnly === true
      ? {
          id: 'read-only',
          level: 'info',
          message: `${facts.user ?? 'the user'} may only read (readonly)`,
          advice: 'Where writing is meant, use a user whose profile has readonly=0.',
        }
      : undefined,
    open !== undefined
      ? {
          id: 'no-password',
          level: 'warning',
          message: `the server at ${open} lets ${facts.user ?? 'default'} in without a password`,
          advice: 'Give the user one, or let it in from this machine only.',
          fix: "ALTER USER default IDENTIFIED WITH sha256_password BY '…' HOST LOCAL",
        }
      : undefined,
  ]
}
