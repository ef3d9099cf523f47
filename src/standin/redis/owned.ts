import { join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { giveFile } from '../owned/directories.js'
import { findProgram } from '../owned/find.js'
import { startInFrame } from '../owned/frame.js'
import { runProgram, tail } from '../owned/program.js'
import { startServer } from '../owned/server.js'
import { serverUser } from '../owned/user.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/**
 * Starts the system's redis-server or valkey-server: on 127.0.0.1 with a random port and password, 16 databases,
 * nothing written to a disk. 30 ms.
 *
 * @throws HoldfastError where there is none, or it does not start (with the end of its log); the signal's reason.
 */
export async function startOwnedRedis(options: StandInOptions): Promise<StandIn> {
  const user = serverUser()
  return startInFrame(options, { product: 'Redis', short: 'rds', user }, async frame => {
    const { env, signal, reaper, nextPort, password } = frame
    const program = findProgram(env, ['redis-server', 'valkey-server'], 'HOLDFAST_REDIS_BIN')
    const { stdout, stderr } = await runProgram(program, ['--version'], { signal, user })
    // Redis server v=7.0.15 sha=…; Valkey server v=8.0.1
    const [, product = 'Redis', version] = /^(\w+) server v=(\S+)/.exec(stdout) ?? []
    if (!version) throw new HoldfastError('config', `${program} --version says: ${tail(stderr || stdout, 2)}`)
    const dir = frame.makeDirectory()
    const settings = { bind: '127.0.0.1', dir, save: '', appendonly: 'no', requirepass: password }
    const file = join(dir, 'redis.conf')
    // A file instead of arguments: everybody may read a command line, and the password is in it.
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}"\n`)
    giveFile(file, lines.join(''), user)
    const server = await startServer({
      ...{ product, user, dir, nextPort, signal, reaper },
      kind: 'tree',
      stopSignal: 'SIGTERM',
      ready: /Ready to accept connections/,
      command: port => [program, file, '--port', `${port}`],
    })
    frame.owns(server)
    return {
      ...{ service: 'redis', name: 'system-redis', version },
      label: `${product} ${version} (system binaries)`,
      url: `redis://default:${password}@127.0.0.1:${server.port}/0`,
    }
  })
}
