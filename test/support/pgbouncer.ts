/** A real PgBouncer in front of a Postgres, or of nothing. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import type { PostgresServer } from './postgres.js'
import { APP_PASSWORD } from './postgres-cluster.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { buildUrl, type UrlParts } from './url.js'

export interface PgBouncerOptions {
  /** Where database `app` lives. A port that nothing listens on makes a dead backend. */
  backend: Pick<PostgresServer, 'host' | 'port'>
  /** Default `session`. */
  mode?: 'session' | 'transaction' | 'statement'
  /** How clients log in; default scram-sha-256. With `any` everybody is in. */
  auth?: 'scram-sha-256' | 'md5' | 'plain' | 'trust' | 'any'
  maxClientConn?: number
  /** Server connections per database and user. */
  poolSize?: number
  tls?: 'allow' | 'require'
  certificate?: CertificateName
  port?: number
  settings?: Record<string, string>
}

export interface PgBouncerServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly user: 'app'
  readonly password: string
  /** PgBouncer knows the database `app` alone; ask for another one to have an unknown database. */
  readonly database: 'app'
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  start(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  remove(): Promise<void>
  log(): string
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Logins refused so far for their credentials. */
  rejectedLogins(): number
}

export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncerServer> {
  const { backend, mode = 'session', auth = 'scram-sha-256' } = options
  const port = options.port ?? (await freePort())
  const folder = tempFolder('pgbouncer', { forServer: true })
  const userlist = join(folder, 'users')
  const config = join(folder, 'pgbouncer.ini')
  const settings: Record<string, string> = {
    listen_addr: '127.0.0.1',
    listen_port: String(port),
    unix_socket_dir: '',
    pool_mode: mode,
    auth_type: auth,
    auth_file: userlist,
    // A failed backend is tried again at once, and a waiting client hears of it soon.
    server_login_retry: '0.1',
    server_connect_timeout: '2',
    ...(options.maxClientConn === undefined ? {} : { max_client_conn: String(options.maxClientConn) }),
    ...(options.poolSize === undefined ? {} : { default_pool_size: String(options.poolSize) }),
    ...(options.tls ? await tlsSettings(options.tls, options.certificate ?? 'server') : {}),
    ...options.settings,
  }
  // `any` does not ask clients who they are, so the backend has to be told.
  const as = auth === 'any' ? ` user=app password='${APP_PASSWORD}'` : ''
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`)
  const database = `app = host=${backend.host} port=${backend.port} dbname=app${as}`
  writeFileSync(config, `[databases]\n${database}\n[pgbouncer]\n${lines.join('\n')}\n`)
  writeFileSync(userlist, `"app" "${APP_PASSWORD}"\n`)
  giveToServer(config, userlist)
  const start = () =>
    startServer({
      name: `pgbouncer on port ${port}`,
      command: 'pgbouncer',
      args: [config],
      logFile: join(folder, 'log'),
      ready: /process up/,
    })
  let running: ServerProcess = await start()
  const server: PgBouncerServer = {
    host: '127.0.0.1',
    port,
    get pid() {
      return running.pid
    },
    user: 'app',
    password: APP_PASSWORD,
    database: 'app',
    url(overrides) {
      const { host, user, password, database } = server
      return buildUrl({ scheme: 'postgres', host, port, user, password, database, ...overrides })
    },
    async stop() {
      // SIGINT is PgBouncer's orderly end; it waits for sessions. SIGTERM does not.
      await running.stop('SIGTERM')
    },
    async start() {
      running = await start()
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
    rejectedLogins: () => running.log().match(/pooler error: .*(auth|password)/gi)?.length ?? 0,
  }
  return server
}

async function tlsSettings(mode: string, name: CertificateName): Promise<Record<string, string>> {
  const { certPath, keyPath } = (await certificates())[name]
  return { client_tls_sslmode: mode, client_tls_cert_file: certPath, client_tls_key_file: keyPath }
}
