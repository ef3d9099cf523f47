/** A real Postgres server for one test or one file. */
import { closeSync, constants, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { APP_PASSWORD, freeSharedMemory, newCluster, postgresProgram } from './postgres-cluster.js'
import { type ServerProcess, startServer } from './process.js'
import { HARNESS, psql } from './psql.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { runOk } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface PostgresTls {
  /** `required` refuses connections without TLS (in pg_hba.conf, so with 28000). Default `on`. */
  mode?: 'on' | 'required'
  certificate?: CertificateName
  /** `verify-ca` and `verify-full` ask for a certificate and a password, `only` for a certificate (CN = role). */
  client?: 'verify-ca' | 'verify-full' | 'only'
}

export interface PostgresOptions {
  /** What `app` has to prove; `md5` also stores its password as MD5. Default scram-sha-256. */
  auth?: 'scram-sha-256' | 'md5' | 'password' | 'trust'
  /** Replaces every line of pg_hba.conf but the superuser's own over the socket. */
  hba?: readonly string[]
  tls?: false | 'on' | 'required' | PostgresTls
  /** listen_addresses; default 127.0.0.1. */
  listen?: string
  port?: number
  /** No TCP at all; `url()` then names the socket's folder. */
  socketOnly?: boolean
  settings?: Record<string, string>
  /** How many sessions ordinary roles get; `sql` has its own. Default 97. */
  maxConnections?: number
  /**
   * `starting` answers 57P03 until `release()`; `standby` is a hot standby (read-only); `closed-standby`
   * answers 57P03 for ever. Default `primary`.
   */
  state?: 'primary' | 'starting' | 'standby' | 'closed-standby'
}

export interface PostgresServer {
  readonly host: string
  readonly port: number
  readonly socketDir: string
  readonly dataDir: string
  /** Of the postmaster; a new one after each start. */
  readonly pid: number
  readonly user: 'app'
  readonly password: string
  readonly database: 'app'
  /** The address of `app`, percent-encoded; `password: null` leaves the password out. */
  url(overrides?: UrlParts): string
  /** Runs statements as the superuser over the socket and resolves with psql's unaligned output. */
  sql(text: string, database?: string): Promise<string>
  /** Ends the server and keeps data and port for `start()`; resolves when every process is dead. */
  stop(mode?: 'fast' | 'immediate' | 'smart'): Promise<void>
  start(): Promise<void>
  restart(mode?: 'fast' | 'immediate'): Promise<void>
  /** SIGKILL to the postmaster and its children; the next start goes through crash recovery. */
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT for the postmaster and its children. */
  pause(): void
  resume(): void
  /** Ends the state `starting` and resolves when the server serves. */
  release(): Promise<void>
  /** Kills what is left and removes the data. */
  remove(): Promise<void>
  log(): string
  /** Resolves when the log has `pattern`, from its beginning. */
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** Connections accepted so far over TCP and socket, those of `sql` not counted. */
  connectionsSeen(): number
  /** Logins refused so far for their credentials or by pg_hba.conf (28P01, 28000). */
  rejectedLogins(): number
}

const RESERVED = 3

const BASE_SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  shared_buffers: '16MB',
  // Files below the data folder instead of /dev/shm: a killed server leaves nothing elsewhere.
  dynamic_shared_memory_type: 'mmap',
  log_connections: 'on',
  log_disconnections: 'on',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] %e ',
  log_timezone: 'UTC',
  timezone: 'UTC',
  lc_messages: 'C',
}

const READY = {
  primary: /ready to accept connections/,
  starting: /database system was (shut down|interrupted)/,
  standby: /ready to accept read-only connections/,
  'closed-standby': /entering standby mode/,
}

/** Starts a server of its own, in about 0.2 s once the run's template exists. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { auth = 'scram-sha-256', listen = '127.0.0.1', socketOnly = false, state = 'primary' } = options
  const port = options.port ?? (await freePort())
  const folder = tempFolder('pg', { forServer: true })
  const dataDir = join(folder, 'data')
  const socketDir = join(folder, 'socket')
  const gate = join(folder, 'gate')
  const logFile = join(folder, 'log')
  const tls = options.tls
    ? typeof options.tls === 'string'
      ? { mode: options.tls }
      : options.tls
    : undefined
  await newCluster(dataDir)
  mkdirSync(socketDir, { mode: 0o700 })
  giveToServer(socketDir)
  const settings: Record<string, string> = {
    ...BASE_SETTINGS,
    listen_addresses: socketOnly ? '' : listen,
    port: String(port),
    unix_socket_directories: socketDir,
    max_connections: String((options.maxConnections ?? 97) + RESERVED),
    superuser_reserved_connections: String(RESERVED),
    ...(tls ? await tlsSettings(tls) : {}),
    ...options.settings,
  }
  if (state === 'starting') {
    await runOk('mkfifo', ['-m', '600', gate])
    giveToServer(gate)
    settings.restore_command = `read line < "${gate}"; false`
    writeFileSync(join(dataDir, 'recovery.signal'), '')
    giveToServer(join(dataDir, 'recovery.signal'))
  } else if (state !== 'primary') {
    settings.hot_standby = state === 'standby' ? 'on' : 'off'
    writeFileSync(join(dataDir, 'standby.signal'), '')
    giveToServer(join(dataDir, 'standby.signal'))
  }
  const quoted = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
  writeFileSync(join(dataDir, 'postgresql.conf'), `${quoted.join('\n')}\n`)
  const hba = ['local all postgres trust', ...(options.hba ?? hbaLines(auth, tls))]
  writeFileSync(join(dataDir, 'pg_hba.conf'), `${hba.join('\n')}\n`)

  let pattern = READY[state]
  const start = () =>
    startServer({
      name: `postgres on port ${port}`,
      command: postgresProgram('postgres'),
      args: ['-D', dataDir],
      logFile,
      ready: pattern,
    })
  let running: ServerProcess = await start()
  const host = listen.split(',')[0] ?? listen
  const server: PostgresServer = {
    host: socketOnly ? socketDir : host === '*' || host === '0.0.0.0' ? '127.0.0.1' : host,
    port,
    socketDir,
    dataDir,
    get pid() {
      return running.pid
    },
    user: 'app',
    password: APP_PASSWORD,
    database: 'app',
    url(overrides) {
      const { host, port, user, password, database } = server
      return buildUrl({ scheme: 'postgres', host, port, user, password, database, ...overrides })
    },
    sql: (text, database = 'app') => psql(text, database, { socketDir, port }),
    async stop(mode = 'fast') {
      await running.stop({ smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' }[mode] as NodeJS.Signals)
    },
    async start() {
      running = await start()
    },
    async restart(mode) {
      await server.stop(mode)
      await server.start()
    },
    async kill() {
      await running.kill()
      await freeSharedMemory(dataDir)
    },
    pause: () => running.pause(),
    resume: () => running.resume(),
    async release() {
      // Each try to restore a file reads one line; an end that is open for both never blocks.
      const fd = openSync(gate, constants.O_RDWR)
      try {
        writeSync(fd, '\n'.repeat(100))
        pattern = READY.primary
        await running.waitForLog(pattern)
      } finally {
        closeSync(fd)
      }
    },
    async remove() {
      await server.kill()
      rmSync(folder, { recursive: true, force: true })
    },
    log: () => running.log(),
    waitForLog: (pattern, timeoutMs = 15_000) => running.waitForLog(pattern, { timeoutMs }),
    connectionsSeen: () => countConnections(running.log()),
    rejectedLogins: () => running.log().match(/ (28P01|28000) FATAL: /g)?.length ?? 0,
  }
  if (auth === 'md5' && state === 'primary') {
    await server.sql(`set password_encryption = 'md5'; alter role app password '${APP_PASSWORD}'`)
  }
  return server
}

async function tlsSettings(tls: PostgresTls): Promise<Record<string, string>> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls.certificate ?? 'server']
  const ca = tls.client ? { ssl_ca_file: all.ca.certPath } : {}
  return { ssl: 'on', ssl_cert_file: certPath, ssl_key_file: keyPath, ...ca }
}

function hbaLines(auth: string, tls: PostgresTls | undefined): string[] {
  const proof = tls?.client === 'only' ? 'cert' : tls?.client ? `${auth} clientcert=${tls.client}` : auth
  const tlsOnly = tls?.mode === 'required' || tls?.client !== undefined
  return [`local all all ${auth}`, `${tlsOnly ? 'hostssl' : 'host'} all all all ${proof}`]
}

function countConnections(log: string): number {
  const pids = (pattern: RegExp) => [...log.matchAll(pattern)].map(match => match[1])
  const ours = pids(
    new RegExp(
      `\\[(\\d+)\\] \\S+ LOG: {2}connection authorized: user=postgres .*application_name=${HARNESS}`,
      'g',
    ),
  )
  const received = pids(/\[(\d+)\] \S+ LOG: {2}connection received: /g)
  return received.filter(pid => !ours.includes(pid)).length
}
