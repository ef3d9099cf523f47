import type { Concern } from '../../core/concern.js'

type Facts = Readonly<Record<string, string | number | boolean>>

/** Above it memory is nearly used up. */
const NEARLY = 0.9

const megabytes = (bytes: number): string => `${Math.round(bytes / (1 << 20))} MB`

/** What follows from the facts that were read; `open` is the address on a network where no password was asked for. */
export function concernsOf(facts: Facts, open: string | undefined): (Concern | undefined)[] {
  return [
    memory(facts),
    eviction(facts),
    saving(facts),
    replica(facts),
    facts.loading === true
      ? {
          id: 'loading',
          level: 'warning',
          message: 'the server is still loading its data',
          advice: 'Wait until it has: until then it answers LOADING.',
          fix: 'redis-cli INFO persistence',
        }
      : undefined,
    facts.clusterState !== undefined && facts.clusterState !== 'ok'
      ? {
          id: 'cluster-down',
          level: 'error',
          message: `the cluster's state is ${facts.clusterState}: slots are not served`,
          advice: 'See which nodes fail.',
          fix: 'redis-cli CLUSTER NODES',
        }
      : undefined,
    typeof facts.refusedConnections === 'number' && facts.refusedConnections > 0
      ? {
          id: 'connections-refused',
          level: 'info',
          message: `${facts.refusedConnections} connections were refused since the start, because of maxclients`,
          advice: 'Compare the connections of all programs with maxclients.',
          fix: 'redis-cli CONFIG GET maxclients',
        }
      : undefined,
    open !== undefined
      ? {
          id: 'no-password',
          level: 'warning',
          message: `the server at ${open} lets in without a password`,
          advice: 'Ask for one, in the configuration and in the address.',
          fix: 'requirepass …',
        }
      : undefined,
  ]
}

/** An empty or full memory limit. Source: Redis' manual, «Key eviction». */
function memory(facts: Facts): Concern | undefined {
  const { memoryUsedBytes: used, memoryMaxBytes: max, memoryPolicy: policy } = facts
  if (typeof used !== 'number' || typeof max !== 'number') return undefined
  if (max === 0) {
    return {
      id: 'no-memory-limit',
      level: 'info',
      message: 'maxmemory is 0: the server grows until the machine, or the container, has no memory left',
      advice: 'Set it below what the container may use.',
      fix: 'maxmemory 256mb',
    }
  }
  if (used / max <= NEARLY || policy !== 'noeviction') return undefined
  return {
    id: 'memory-nearly-full',
    level: 'error',
    message: `${megabytes(used)} of ${megabytes(max)} are used, and the policy is noeviction: writes fail with OOM`,
    advice: 'Raise maxmemory, delete keys, or, for a cache, let it evict.',
    fix: 'maxmemory-policy allkeys-lru',
  }
}

/** Keys that are saved to stay are evicted all the same. */
function eviction({ memoryPolicy, memoryMaxBytes, appendOnly, save }: Facts): Concern | undefined {
  const keeps = appendOnly === true || (typeof save === 'string' && save !== '')
  if (memoryMaxBytes === 0 || !keeps || !String(memoryPolicy).startsWith('allkeys-')) return undefined
  return {
    id: 'evicts-what-it-saves',
    level: 'info',
    message: `the data are saved to disk, and ${memoryPolicy} evicts any of them when memory is full`,
    advice: 'For a cache, do without saving; for a store, evict nothing, or only what expires.',
    fix: 'maxmemory-policy noeviction',
  }
}

function saving({ lastSaveOk, lastAppendOk, stopWritesOnError }: Facts): Concern | undefined {
  if (lastAppendOk === false) {
    return {
      id: 'append-failed',
      level: 'error',
      message: 'the last write to the append-only file failed: writes are refused with MISCONF',
      advice: 'See the disk and the log of the server.',
      fix: 'redis-cli INFO persistence',
    }
  }
  if (lastSaveOk !== false) return undefined
  const refused = stopWritesOnError !== false
  return {
    id: 'save-failed',
    level: refused ? 'error' : 'warning',
    message: `the last save to disk failed${refused ? ': writes are refused with MISCONF' : ''}`,
    advice: 'See whether its folder can be written and has room, then save again.',
    fix: 'redis-cli CONFIG GET dir; redis-cli BGSAVE',
  }
}

function replica({ role, primary, primaryLink }: Facts): Concern | undefined {
  if (role !== 'slave') return undefined
  if (primaryLink !== 'up') {
    return {
      id: 'replication-stopped',
      level: 'error',
      message: `the replica has no connection to its primary, ${primary}`,
      advice: 'See whether the primary runs, and whether masterauth is right.',
      fix: 'redis-cli INFO replication',
    }
  }
  return {
    id: 'read-only',
    level: 'warning',
    message: `the server is a replica of ${primary}: it takes no writes`,
    advice: 'Where writing is meant, name the primary.',
  }
}
