/** vitest's global set-up: the run's root, the shared servers, and at the end the proof that nothing is left. */
import type { TestProject } from 'vitest/node'
import { certificates } from './certs.js'
import { removeRoot, removeStaleRoots } from './cleanup.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import { makeRoot, ROOT_VARIABLE } from './root.js'
import type { SharedServers } from './shared.js'

declare module 'vitest' {
  interface ProvidedContext {
    servers: SharedServers
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeStaleRoots()
  const root = makeRoot()
  process.env[ROOT_VARIABLE] = root
  try {
    const [postgres, redis] = await Promise.all([startPostgres(), startRedis(), certificates()])
    const { host, port, socketDir, pid, user, password, database } = postgres
    project.provide('servers', {
      postgres: { host, port, socketDir, pid, user, password, database },
      redis: { host: redis.host, port: redis.port, pid: redis.pid },
    })
    return async () => {
      await Promise.all([postgres.stop(), redis.stop()])
      await cleanUp(root)
    }
  } catch (error) {
    await cleanUp(root)
    throw new Error(
      'the servers for the tests did not start; `node scripts/servers.mjs` says what is missing',
      {
        cause: error,
      },
    )
  }
}

/** Rejects when a test left something running, after ending it. */
async function cleanUp(root: string): Promise<void> {
  const leftovers = await removeRoot(root)
  delete process.env[ROOT_VARIABLE]
  if (leftovers.length > 0) {
    // The runner prints what a tear-down throws, and ends with 0 all the same.
    process.exitCode = 1
    throw new Error(`tests started and did not stop:\n${leftovers.map(it => `  ${it}`).join('\n')}`)
  }
}
