/** A real NATS server for one test or one file. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { buildUrl, type UrlParts } from './url.js'

export interface NatsOptions {
  /** TLS with this certificate; true means `server`. */
  tls?: boolean | CertificateName
  /** With TLS: only for clients that show a certificate, or only for those who want it. */
  tlsMode?: 'verify' | 'optional'
  /** Other settings, as nats-server's configuration has them. */
  settings?: Record<string, unknown>
  port?: number
}

export interface NatsServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** nats://, with neither user nor password. */
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  remove(): Promise<void>
  /** No new clients; those that it has are sent away, one after another. */
  lameDuck(): void
  log(): string
  waitForLog(pattern: RegExp): Promise<RegExpExecArray>
}

/** Starts a server of its own, in about 30 ms. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const port = options.port ?? (await freePort())
  const folder = tempFolder('nats', { forServer: true })
  const config = join(folder, 'nats.conf')
  const settings = {
    host: '127.0.0.1',
    port,
    ...(options.tls ? await tlsSettings(options.tls, options.tlsMode) : {}),
    ...options.settings,
  }
  // Its configuration is a superset of JSON.
  writeFileSync(config, JSON.stringify(settings, null, 2))
  giveToServer(config)
  const start = () =>
    startServer({
      name: `nats on port ${port}`,
      command: 'nats-server',
      args: ['-c', config],
      logFile: join(folder, 'log'),
      ready: /Server is ready/,
    })
  let running: ServerProcess = await start()
  const server: NatsServer = {
    host: '127.0.0.1',
    port,
    get pid() {
      return running.pid
    },
    url: overrides => buildUrl({ scheme: 'nats', host: '127.0.0.1', port, ...overrides }),
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
    lameDuck: () => running.signal('SIGUSR2'),
    log: () => running.log(),
    waitForLog: pattern => running.waitForLog(pattern),
  }
  return server
}

async function tlsSettings(tls: true | CertificateName, mode: NatsOptions['tlsMode']): Promise<object> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls === true ? 'server' : tls]
  return {
    tls: {
      cert_file: certPath,
      key_file: keyPath,
      timeout: 5,
      ...(mode === 'verify' ? { ca_file: all.ca.certPath, verify: true } : {}),
    },
    ...(mode === 'optional' ? { allow_non_tls: true } : {}),
  }
}
