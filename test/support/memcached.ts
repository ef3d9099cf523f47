/** A real memcached for one test or one file. */
import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { runOk } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface MemcachedOptions {
  /** Users with a password, by the text protocol's login. */
  users?: Record<string, string>
  /** The same by SASL, which leaves the binary protocol only. */
  sasl?: Record<string, string>
  tls?: boolean | CertificateName
  /** A Unix socket instead of a port. */
  socket?: boolean
  /** Of the command line. */
  args?: readonly string[]
}

export interface MemcachedServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly socketPath: string
  /** memcached://, with neither user nor password. */
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  remove(): Promise<void>
}

/** Starts a server of its own, in about 20 ms. */
export async function startMemcached(options: MemcachedOptions = {}): Promise<MemcachedServer> {
  const port = await freePort()
  const folder = tempFolder('memcached', { forServer: true })
  const socketPath = join(folder, 'socket')
  const { users, sasl, tls } = options
  const env = sasl ? { SASL_CONF_PATH: await saslFolder(folder, sasl) } : {}
  const where = options.socket ? ['-s', socketPath] : ['-p', String(port), '-l', '127.0.0.1', '-U', '0']
  const args = [
    ...where,
    // It says that it listens in a very verbose way only.
    ...['-vv', '-t', '2'],
    ...(users ? ['-Y', usersFile(folder, users)] : []),
    ...(sasl ? ['-S'] : []),
    ...(tls ? await tlsArguments(tls) : []),
    ...(options.args ?? []),
  ]
  const start = () =>
    startServer({
      name: `memcached on port ${port}`,
      command: 'memcached',
      args,
      env,
      logFile: join(folder, 'log'),
      ready: /server listening/,
    })
  let running: ServerProcess = await start()
  return {
    host: '127.0.0.1',
    port,
    get pid() {
      return running.pid
    },
    socketPath,
    url: overrides => buildUrl({ scheme: 'memcached', host: '127.0.0.1', port, ...overrides }),
    async stop() {
      await running.stop()
    },
    async restart() {
      await running.stop()
      running = await start()
    },
    kill: () => running.kill(),
    async remove() {
      await running.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function usersFile(folder: string, users: Record<string, string>): string {
  const path = join(folder, 'users')
  const lines = Object.entries(users).map(([user, password]) => `${user}:${password}\n`)
  writeFileSync(path, lines.join(''))
  giveToServer(path)
  return path
}

/** A folder with Cyrus SASL's configuration and its own database of users. */
async function saslFolder(folder: string, users: Record<string, string>): Promise<string> {
  const database = join(folder, 'sasldb')
  const config = ['mech_list: plain', 'pwcheck_method: auxprop', 'auxprop_plugin: sasldb']
  writeFileSync(join(folder, 'memcached.conf'), `${[...config, `sasldb_path: ${database}`].join('\n')}\n`)
  for (const [user, password] of Object.entries(users)) {
    const args = ['-a', 'memcached', '-c', '-p', '-f', database, '-u', hostname(), user]
    await runOk('/usr/sbin/saslpasswd2', args, { input: password })
  }
  chmodSync(database, 0o644)
  return folder
}

async function tlsArguments(tls: true | CertificateName): Promise<string[]> {
  const { certPath, keyPath } = (await certificates())[tls === true ? 'server' : tls]
  return ['-Z', '-o', `ssl_chain_cert=${certPath},ssl_key=${keyPath}`]
}
