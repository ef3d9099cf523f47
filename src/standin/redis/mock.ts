import { startChild } from '../owned/child.js'
import { startInFrame } from '../owned/frame.js'
import { requirePackages } from '../owned/packages.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/** What children/redis.ts is asked to do. */
export interface RedisMockTask {
  /** The main file of ioredis-mock. */
  readonly mock: string
  readonly password: string
}

/** What it says once it listens. */
export interface RedisMockSaid {
  readonly port: number
}

/**
 * Starts ioredis-mock, Redis' commands in memory, behind a socket in a process of its own: on 127.0.0.1 with a random
 * password. capabilities.ts has what it lacks. 150 ms.
 */
export async function startRedisMock(options: StandInOptions): Promise<StandIn> {
  return startInFrame(options, { product: 'ioredis-mock', short: 'mck' }, async frame => {
    const { cwd, password } = frame
    const [mock] = requirePackages(cwd, 'ioredis-mock')
    if (!mock) throw new Error('one package was asked for')
    const task: RedisMockTask = { mock: mock.main, password }
    const child = { name: 'redis', product: 'ioredis-mock', task, heapMb: 256 }
    const { port } = await startChild<RedisMockSaid>(child, frame)
    return {
      ...{ service: 'redis', name: 'ioredis-mock', version: mock.version },
      label: `ioredis-mock ${mock.version} (in memory)`,
      url: `redis://default:${password}@127.0.0.1:${port}/0`,
    }
  })
}
