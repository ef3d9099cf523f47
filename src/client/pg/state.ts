import type { SoundClient } from './client.js'
import type { PoolInternals } from './internals.js'
import type { PoolState } from './types.js'

export function stateOf(
  name: string,
  max: number,
  pool: PoolInternals,
  holders?: PoolState['holders'],
): PoolState {
  const clients = pool._clients as SoundClient[]
  const connecting = clients.filter(client => client.readyAt === undefined).length
  const taken = clients.flatMap(client => client.takenAt ?? [])
  const [total, idle] = [clients.length, pool._idle.length]
  return {
    ...{ name, max, total, idle, connecting },
    used: total - idle - connecting,
    waiting: pool._pendingQueue.length,
    ...(taken.length > 0 ? { longestUseMillis: Math.round(performance.now() - Math.min(...taken)) } : {}),
    ...(holders ? { holders } : {}),
  }
}
