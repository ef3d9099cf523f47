/** A real Redis server for one test or one file. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { type ServerProcess, startServer } from './process.js'
import { rdbFile } from './rdb.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { run } from './run.js'
import { buildUrl, type UrlParts } from './url.js'

export interface RedisOptions {
  /** requirepass, for the default user. */
  password?: string
  /** ACL rules by user name, for example `{ app: 'on >secret ~* +@all' }`; `default` may be among them. */
  users?: Record<string, string>
  /** TLS only on the port, with this certificate; true means `server`. */
  tls?: boolean | CertificateName
  maxclients?: number
  /** Starts with data that take about this long to load; until then it answers LOADING. */
  loadingMs?: number
  /** Port of a primary on this machine. Without its data a replica answers MASTERDOWN, with them READONLY. */
  replicaOf?: number
  port?: number
  /** `bind`; default 127.0.0.1. */
  listen?: string
  settings?: Record<string, string>
}

export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  readonly password: string | undefined
  readonly logFile: string
  /** redis:// or, with TLS, rediss://; `password: null` leaves the password out. */
  url(overrides?: UrlParts): string
  /** Runs redis-cli as an administrator over a socket of its own and resolves with its output, errors too. */
  cli(...args: string[]): Promise<string>
  /** Ends the server and keeps its port for `start()`. */
  stop(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Cuts the loading short and resolves when the server serves. */
  finishLoading(): Promise<void>
  /** Kills what is left and removes the data. */
  remove(): Promise<void>
  log(): string
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
  /** TCP connections accepted so far. */
  connectionsSeen(): number
  /** How often the server answered with an error of this prefix, such as WRONGPASS, NOAUTH, LOADING. */
  errorsSent(prefix: string): Promise<number>
}

const READY = /Ready to accept connections/
const LOADING = /Loading RDB produced by/
/** So often the server serves its clients while it loads. */
const TICK_MS = 5

/** The administrator of `cli`, who exists beside the users that a test asks for. */
const ADMIN = { name: 'holdfast-harness', password: 'harness' }

/** Starts a server of its own, in about 20 ms. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const port = options.port ?? (await freePort())
  const folder = tempFolder('redis', { forServer: true })
  const socket = join(folder, 'socket')
  const logFile = join(folder, 'log')
  const { loadingMs, password, listen = '127.0.0.1' } = options
  const settings: Record<string, string> = {
    bind: listen,
    port: options.tls ? '0' : String(port),
    unixsocket: socket,
    unixsocketperm: '700',
    dir: folder,
    save: '',
    // It looks for a signal to end this many times a second.
    hz: '100',
    // A replica gets its data at once instead of after 5 s in which another might come.
    'repl-diskless-sync-delay': '0',
    // The level that logs each accepted connection.
    loglevel: 'verbose',
    ...(options.tls ? await tlsSettings(options.tls, port) : {}),
    ...(password === undefined ? {} : { requirepass: password }),
    ...(options.maxclients === undefined ? {} : { maxclients: String(options.maxclients) }),
    ...(options.replicaOf === undefined
      ? {}
      : { replicaof: `127.0.0.1 ${options.replicaOf}`, 'replica-serve-stale-data': 'no' }),
    ...(loadingMs === undefined
      ? {}
      : { 'key-load-delay': String(TICK_MS * 1_000), 'loading-process-events-interval-bytes': '1024' }),
    ...options.settings,
  }
  const users = { [ADMIN.name]: `on >${ADMIN.password} ~* &* +@all`, ...options.users }
  const quote = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const lines = Object.entries(settings).map(([name, value]) =>
    // A value with a space is several arguments, except where it is a secret or empty.
    name === 'requirepass' || value === '' ? `${name} ${quote(value)}` : `${name} ${value}`,
  )
  lines.push(...Object.entries(users).map(([name, rules]) => `user ${name} ${rules}`))
  const config = join(folder, 'redis.conf')
  writeFileSync(config, `${lines.join('\n')}\n`)
  if (loadingMs !== undefined) {
    const dump = join(folder, 'dump.rdb')
    writeFileSync(dump, rdbFile(Math.max(1, Math.round(loadingMs / TICK_MS)), 1_024))
    giveToServer(dump)
  }
  const start = (ready: RegExp) =>
    startServer({
      name: `redis on port ${port}`,
      command: 'redis-server',
      args: [config],
      logFile,
      ready,
    })
  let running: ServerProcess = await start(loadingMs === undefined ? READY : LOADING)
  const server: RedisServer = {
    host: listen.split(' ')[0] ?? listen,
    port,
    get pid() {
      return running.pid
    },
    password,
    logFile,
    url(overrides) {
      const scheme = options.tls ? 'rediss' : 'redis'
      return buildUrl({ scheme, host: server.host, port, password: password ?? null, ...overrides })
    },
    async cli(...args) {
      const login = ['-s', socket, '--user', ADMIN.name, '--no-auth-warning']
      const result = await run('redis-cli', [...login, ...args], { env: { REDISCLI_AUTH: ADMIN.password } })
      return (result.stdout + result.stderr).trim()
    },
    async stop() {
      await running.stop()
    },
    async start() {
      running = await start(loadingMs === undefined ? READY : LOADING)
    },
    async restart() {
      await server.stop()
      await server.start()
    },
    kill: () => running.kill(),
    pause: () => running.pause(),
    resume: () => running.resume(),
    async finishLoading() {
      await server.cli('config', 'set', 'key-load-delay', '0')
      await server.waitForLog(READY)
    },
    async remove() {
      await running.kill()
      rmSync(folder, { recursive: true, force: true })
    },
    log: () => running.log(),
    waitForLog: (pattern, timeoutMs = 15_000) => running.waitForLog(pattern, { timeoutMs }),
    connectionsSeen: () => running.log().match(/ Accepted [\d.:a-f]+:\d+$/gm)?.length ?? 0,
    async errorsSent(prefix) {
      const stats = await server.cli('info', 'errorstats')
      return Number(new RegExp(`^errorstat_${prefix}:count=(\\d+)`, 'm').exec(stats)?.[1] ?? 0)
    },
  }
  return server
}

async function tlsSettings(tls: true | CertificateName, port: number): Promise<Record<string, string>> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls === true ? 'server' : tls]
  return {
    'tls-port': String(port),
    'tls-cert-file': certPath,
    'tls-key-file': keyPath,
    'tls-ca-cert-file': all.ca.certPath,
    'tls-auth-clients': 'no',
  }
}
