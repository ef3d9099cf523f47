/** A real Mosquitto for one test or one file. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { runOk } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface MosquittoOptions {
  /** Users with a password; without them anybody may connect. */
  users?: Record<string, string>
  /** Lines of an ACL file. */
  acl?: readonly string[]
  /** TLS only, with this certificate; true means `server`. */
  tls?: boolean | CertificateName
  /** Lines of its configuration, behind the listener's. */
  settings?: readonly string[]
}

export interface MosquittoServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** mqtt:// or, with TLS, mqtts://, with neither user nor password. */
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  remove(): Promise<void>
  log(): string
  waitForLog(pattern: RegExp): Promise<RegExpExecArray>
}

/** Starts a broker of its own, in about 20 ms. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<MosquittoServer> {
  const port = await freePort()
  const folder = tempFolder('mosquitto', { forServer: true })
  const { users, acl, tls } = options
  const lines = [
    `listener ${port} 127.0.0.1`,
    `allow_anonymous ${users ? 'false' : 'true'}`,
    'log_type all',
    'log_dest stderr',
    ...(users ? [`password_file ${await passwords(folder, users)}`] : []),
    ...(acl ? [`acl_file ${written(folder, 'acl', acl)}`] : []),
    ...(tls ? await tlsLines(tls) : []),
    ...(options.settings ?? []),
  ]
  const config = written(folder, 'mosquitto.conf', lines)
  const start = () =>
    startServer({
      name: `mosquitto on port ${port}`,
      command: 'mosquitto',
      args: ['-c', config],
      logFile: join(folder, 'log'),
      ready: /mosquitto version \S+ running/,
    })
  let running: ServerProcess = await start()
  return {
    host: '127.0.0.1',
    port,
    get pid() {
      return running.pid
    },
    url: overrides => buildUrl({ scheme: tls ? 'mqtts' : 'mqtt', host: '127.0.0.1', port, ...overrides }),
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
    log: () => running.log(),
    waitForLog: pattern => running.waitForLog(pattern),
  }
}

function written(folder: string, name: string, lines: readonly string[]): string {
  const path = join(folder, name)
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 })
  giveToServer(path)
  return path
}

async function passwords(folder: string, users: Record<string, string>): Promise<string> {
  const path = written(folder, 'passwords', [])
  for (const [user, password] of Object.entries(users))
    await runOk('mosquitto_passwd', ['-b', path, user, password])
  giveToServer(path)
  return path
}

async function tlsLines(tls: true | CertificateName): Promise<string[]> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls === true ? 'server' : tls]
  return [`cafile ${all.ca.certPath}`, `certfile ${certPath}`, `keyfile ${keyPath}`]
}
