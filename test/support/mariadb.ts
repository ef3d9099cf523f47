/** A real MariaDB server for one test or one file. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { ADMIN, newDataDir, SMALL } from './mariadb-template.js'
import { APP_PASSWORD } from './postgres-cluster.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, tempFolder } from './root.js'
import { runOk } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface MariadbOptions {
  /** With this certificate; true means `server`. Without it the server offers no TLS. */
  tls?: boolean | CertificateName
  /** Refuses what is neither TLS nor the Unix socket. */
  tlsRequired?: boolean
  /** `max_connections`, at least 10; the administrator has one more. */
  maxConnections?: number
  readOnly?: boolean
  /** `bind-address`; default 127.0.0.1. */
  listen?: string
  port?: number
  /** No TCP at all, as the temporary server of an image. */
  socketOnly?: boolean
  /** Statements of the administrator, run once the server is up. */
  setup?: string
  /** Options by name, without dashes; an empty value is a bare option. */
  settings?: Record<string, string>
}

export interface MariadbServer {
  readonly host: string
  readonly port: number
  /** The Unix socket. */
  readonly socket: string
  readonly dataDir: string
  readonly pid: number
  readonly user: 'app'
  readonly password: string
  readonly database: 'app'
  /** The address of `app`, percent-encoded; `password: null` leaves the password out. */
  url(overrides?: UrlParts): string
  /** The same over the Unix socket. */
  socketUrl(overrides?: UrlParts): string
  /** Runs statements as the administrator over the socket; values are separated by tabs, without headings. */
  sql(text: string): Promise<string>
  /** The counter of this name in SHOW GLOBAL STATUS. */
  status(name: string): Promise<number>
  /** Ends the server and keeps data and port for `start()`. */
  stop(): Promise<void>
  /** Starts it again; from now on with TCP, or without. */
  start(options?: { socketOnly?: boolean }): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Kills what is left and removes the data. */
  remove(): Promise<void>
  log(): string
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
}

const READY = /mariadbd: ready for connections/

const BASE = [
  ...SMALL,
  '--innodb-buffer-pool-size=8M',
  '--innodb-flush-log-at-trx-commit=0',
  '--skip-innodb-doublewrite',
  '--innodb-use-native-aio=0',
  '--key-buffer-size=1M',
  // So that a login which is rejected leaves a line in the log.
  '--log-warnings=4',
  '--skip-name-resolve',
  '--character-set-server=utf8mb4',
]

/** Starts a server of its own, in about 0.4 s once the run's template exists. */
export async function startMariadb(options: MariadbOptions = {}): Promise<MariadbServer> {
  const { listen = '127.0.0.1', setup } = options
  const port = options.port ?? (await freePort())
  const folder = tempFolder('mariadb', { forServer: true })
  const dataDir = join(folder, 'data')
  const socket = join(folder, 'socket')
  const logFile = join(folder, 'log')
  await newDataDir(dataDir)
  const settings = {
    ...(options.tls ? await tlsSettings(options.tls) : {}),
    ...(options.tlsRequired ? { 'require-secure-transport': 'ON' } : {}),
    ...(options.maxConnections === undefined ? {} : { 'max-connections': String(options.maxConnections) }),
    ...(options.readOnly ? { 'read-only': 'ON' } : {}),
    ...options.settings,
  }
  const args = [
    '--no-defaults',
    `--datadir=${dataDir}`,
    `--socket=${socket}`,
    `--pid-file=${join(folder, 'pid')}`,
    `--port=${port}`,
    `--bind-address=${listen}`,
    ...BASE.filter(it => !(it.replace('--skip-', '') in settings)),
    ...Object.entries(settings).map(([name, value]) => `--${name}${value === '' ? '' : `=${value}`}`),
  ]
  const launch = (socketOnly: boolean) =>
    startServer({
      name: `MariaDB on port ${port}`,
      command: 'mariadbd',
      args: [...args, ...(socketOnly ? ['--skip-networking'] : [])],
      logFile,
      ready: READY,
    })
  let running: ServerProcess = await launch(options.socketOnly === true)
  const server: MariadbServer = {
    host: listen === '0.0.0.0' ? '127.0.0.1' : listen,
    port,
    socket,
    dataDir,
    get pid() {
      return running.pid
    },
    user: 'app',
    password: APP_PASSWORD,
    database: 'app',
    url: overrides =>
      buildUrl({
        scheme: 'mysql',
        host: server.host,
        port,
        user: 'app',
        password: APP_PASSWORD,
        database: 'app',
        ...overrides,
      }),
    socketUrl: ({ database = 'app', ...overrides } = {}) =>
      server
        .url({ scheme: 'mysql+unix', database: null, ...overrides })
        .replace(
          `@${server.host}:${port}`,
          `@${socket}${database === null ? '' : `?dbname=${encodeURIComponent(database)}`}`,
        ),
    async sql(text) {
      const login = [`--socket=${socket}`, `--user=${ADMIN.name}`, '--batch', '--skip-column-names']
      const env = { MYSQL_PWD: ADMIN.password }
      return (await runOk('mariadb', ['--no-defaults', ...login, 'app'], { input: text, env })).trim()
    },
    status: async name => Number((await server.sql(`show global status like '${name}'`)).split('\t')[1]),
    async stop() {
      await running.stop()
    },
    async start({ socketOnly = false } = {}) {
      running = await launch(socketOnly)
    },
    async restart() {
      await server.stop()
      await server.start()
    },
    kill: () => running.kill(),
    pause: () => running.pause(),
    resume: () => running.resume(),
    async remove() {
      await running.kill()
      rmSync(folder, { recursive: true, force: true })
    },
    log: () => running.log(),
    waitForLog: (pattern, timeoutMs = 15_000) => running.waitForLog(pattern, { timeoutMs }),
  }
  if (setup) {
    await server.sql(setup).catch(async error => {
      await server.remove()
      throw error
    })
  }
  return server
}

async function tlsSettings(tls: true | CertificateName): Promise<Record<string, string>> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls === true ? 'server' : tls]
  return { 'ssl-cert': certPath, 'ssl-key': keyPath, 'ssl-ca': all.ca.certPath }
}
