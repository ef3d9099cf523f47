import { chownSync, existsSync, realpathSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { HoldfastError } from '../../core/errors.js'
import { executable } from '../../io/files.js'
import type { Environment } from '../owned/directories.js'
import { startInFrame } from '../owned/frame.js'
import { runProgram, tail } from '../owned/program.js'
import { startServer } from '../owned/server.js'
import { serverUser } from '../owned/user.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

const PROGRAMS = ['redis-server', 'valkey-server'] as const

/** Where servers are that PATH does not name. */
const FOLDERS = ['/usr/local/bin', '/usr/bin', '/usr/local/sbin', '/usr/sbin', '/opt/homebrew/bin']

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
    const program = findRedis(env)
    const { stdout, stderr } = await runProgram(program, ['--version'], { signal, user })
    // Redis server v=7.0.15 sha=…; Valkey server v=8.0.1
    const [, product = 'Redis', version] = /^(\w+) server v=(\S+)/.exec(stdout) ?? []
    if (!version) throw new HoldfastError('config', `${program} --version says: ${tail(stderr || stdout, 2)}`)
    const dir = frame.makeDirectory()
    const settings = { bind: '127.0.0.1', dir, save: '', appendonly: 'no', requirepass: password }
    const file = join(dir, 'redis.conf')
    // A file instead of arguments: everybody may read a command line, and the password is in it.
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}"\n`)
    writeFileSync(file, lines.join(''), { mode: 0o600 })
    if (user) chownSync(file, user.uid, user.gid)
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

/** HOLDFAST_REDIS_BIN, a file, or the first of redis-server and valkey-server in PATH and the usual places. */
function findRedis(env: Environment): string {
  const named = env.HOLDFAST_REDIS_BIN
  if (named) {
    if (executable(named)) return realpathSync(named)
    throw new HoldfastError(
      'config',
      `HOLDFAST_REDIS_BIN=${named}: ${existsSync(named) ? 'not a program' : 'not there'}`,
    )
  }
  const path = (env.PATH ?? '').split(':').filter(isAbsolute)
  const file = [...path, ...FOLDERS].flatMap(dir => PROGRAMS.map(name => join(dir, name))).find(executable)
  if (file) return file
  throw new HoldfastError('config', `neither ${PROGRAMS.join(' nor ')} is in PATH`)
}
