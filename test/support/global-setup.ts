/** vitest's global set-up: the run's root, the shared servers, and at the end the proof that nothing is left. */
import type { TestProject } from 'vitest/node'
import { CI_VARIABLES } from '../../src/core/ci.js'
import { certificates } from './certs.js'
import { removeRoot, removeStaleRoots } from './cleanup.js'
import { startPostgres } from './postgres.js'
import { isAlive } from './proc.js'
import { startRedis } from './redis.js'
import { makeRoot, ROOT_VARIABLE } from './root.js'
import type { SharedServers } from './shared.js'

declare module 'vitest' {
  interface ProvidedContext {
    servers: SharedServers
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // What a test means by CI it says itself: a child that inherits the variables of ours would decide otherwise.
  for (const variable of CI_VARIABLES) delete process.env[variable]
  await removeStaleRoots()
  const root = makeRoot()
  process.env[ROOT_VARIABLE] = root
  const starts = [startPostgres(), startRedis(), certificates()] as const
  const failed = (await Promise.allSettled(starts)).find(it => it.status === 'rejected')
  if (failed) {
    await removeRoot(root)
    const help = 'the servers for the tests did not start; `node scripts/servers.mjs` says what is missing'
    throw new Error(help, { cause: failed.reason })
  }
  const [postgres, redis] = await Promise.all(starts)
  const { host, port, socketDir, pid, user, password, database } = postgres
  project.provide('servers', {
    postgres: { host, port, socketDir, pid, user, password, database },
    redis: { host: redis.host, port: redis.port, pid: redis.pid },
  })
  return async () => {
    const ended = [postgres, redis].filter(it => !isAlive(it.pid))
    const stops = await Promise.allSettled([postgres.stop(), redis.stop()])
    const problems = [
      ...ended.map(it => `a test ended the shared server on port ${it.port}`),
      ...stops.filter(it => it.status === 'rejected').map(it => String(it.reason)),
      ...(await removeRoot(root)).map(it => `tests started and did not stop: ${it}`),
    ]
    delete process.env[ROOT_VARIABLE]
    if (problems.length === 0) return
    // The runner prints what a tear-down throws, and ends with 0 all the same.
    process.exitCode = 1
    throw new Error(problems.join('\n'))
  }
}
