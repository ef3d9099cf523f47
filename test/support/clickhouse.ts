/** A real ClickHouse server for one test or one file. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { APP_PASSWORD } from './postgres-cluster.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { buildUrl, type UrlParts } from './url.js'

export interface ClickHouseUser {
  /** Default: that of `app`. */
  password?: string
  /** Of the profile: 1 takes no writes and no settings, 2 no writes. */
  readonly?: 1 | 2
  /** The only databases that it sees. */
  databases?: string[]
  /** The only addresses that it may come from. */
  networks?: string[]
  /** Settings of its profile. */
  settings?: Record<string, string | number>
}

export interface ClickHouseOptions {
  /** Besides `app`, who may do all. */
  users?: Record<string, ClickHouseUser>
  /** HTTPS on a port of its own beside that of HTTP, with this certificate; true means `server`. */
  tls?: boolean | CertificateName
  /** The port of HTTP. */
  port?: number
  /** `listen_host`; default 127.0.0.1. */
  listen?: string
  maxConcurrentQueries?: number
  /** How long an idle connection is kept, in seconds; default 3, as in the packages. */
  keepAliveSeconds?: number
}

export interface ClickHouseServer {
  readonly host: string
  readonly port: number
  /** The port of HTTPS, where `tls` is asked for. */
  readonly httpsPort: number
  /** The port of the native protocol. */
  readonly nativePort: number
  readonly pid: number
  /** clickhouse:// with the user `app` and the database `app`. */
  url(overrides?: UrlParts): string
  /** Runs a statement as `app` and resolves with its output as TabSeparated; rejects with the server's error. */
  sql(text: string, database?: string): Promise<string>
  stop(): Promise<void>
  /** Starts it again on the same port; it may then listen elsewhere. */
  start(listen?: string): Promise<void>
  restart(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Kills what is left and removes the data. */
  remove(): Promise<void>
  log(): string
}

const READY = /Application: Ready for connections/

/** Starts a server of its own, in about 200 ms. */
export async function startClickHouse(options: ClickHouseOptions = {}): Promise<ClickHouseServer> {
  const [port, httpsPort, nativePort] = [
    options.port ?? (await freePort()),
    await freePort(),
    await freePort(),
  ]
  const folder = tempFolder('clickhouse', { forServer: true })
  for (const name of ['data', 'tmp']) {
    mkdirSync(join(folder, name))
    giveToServer(join(folder, name))
  }
  const certificate = options.tls && (await certificates())[options.tls === true ? 'server' : options.tls]
  const config = join(folder, 'config.xml')
  const configure = (listen: string) =>
    writeFileSync(
      config,
      element('yandex', {
        logger: { level: 'information', console: 1 },
        http_port: port,
        tcp_port: nativePort,
        ...(certificate
          ? {
              https_port: httpsPort,
              openSSL: {
                server: {
                  certificateFile: certificate.certPath,
                  privateKeyFile: certificate.keyPath,
                  verificationMode: 'none',
                },
              },
            }
          : {}),
        listen_host: listen,
        path: `${join(folder, 'data')}/`,
        tmp_path: `${join(folder, 'tmp')}/`,
        users_config: join(folder, 'users.xml'),
        default_profile: 'default',
        default_database: 'default',
        keep_alive_timeout: options.keepAliveSeconds ?? 3,
        max_concurrent_queries: options.maxConcurrentQueries ?? 100,
        mark_cache_size: 16 << 20,
        uncompressed_cache_size: 0,
      }),
    )
  configure(options.listen ?? '127.0.0.1')
  writeFileSync(join(folder, 'users.xml'), usersXml({ app: {}, ...options.users }))
  const logFile = join(folder, 'log')
  const start = () =>
    startServer({
      name: `clickhouse on port ${port}`,
      command: 'clickhouse-server',
      args: [`--config-file=${config}`],
      logFile,
      ready: READY,
    })
  let running: ServerProcess = await start()
  const server: ClickHouseServer = {
    host: '127.0.0.1',
    port,
    httpsPort,
    nativePort,
    get pid() {
      return running.pid
    },
    url: overrides =>
      buildUrl({
        scheme: 'clickhouse',
        host: '127.0.0.1',
        port,
        user: 'app',
        password: APP_PASSWORD,
        database: 'app',
        ...overrides,
      }),
    sql: (text, database = 'app') => ask(port, text, database),
    async stop() {
      await running.stop()
    },
    async start(listen) {
      if (listen) configure(listen)
      running = await start()
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
  }
  await server.sql('CREATE DATABASE IF NOT EXISTS app', 'default')
  return server
}

function ask(port: number, text: string, database: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: `/?database=${encodeURIComponent(database)}&wait_end_of_query=1`,
        headers: { 'x-clickhouse-user': 'app', 'x-clickhouse-key': APP_PASSWORD },
        agent: false,
      },
      response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          body += chunk
        })
        response.on('end', () =>
          response.statusCode === 200 ? resolve(body.trimEnd()) : reject(new Error(body.trim())),
        )
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end(text)
  })
}

function usersXml(users: Record<string, ClickHouseUser>): string {
  const rows = Object.entries(users)
  return element('yandex', {
    profiles: {
      default: { max_memory_usage: 1 << 30, use_uncompressed_cache: 0 },
      ...Object.fromEntries(
        rows.map(([name, { readonly = 0, settings }]) => [`of_${name}`, { ...settings, readonly }]),
      ),
    },
    quotas: { default: {} },
    users: Object.fromEntries(
      rows.map(([name, { password = APP_PASSWORD, databases, networks = ['::/0'] }]) => [
        name,
        {
          password,
          networks: networks.map(ip => ({ ip })),
          profile: `of_${name}`,
          quota: 'default',
          ...(databases ? { allow_databases: databases.map(database => ({ database })) } : {}),
        },
      ]),
    ),
  })
}

type Xml = string | number | readonly Xml[] | { readonly [name: string]: Xml }

function element(name: string, content: Xml): string {
  return `<${name}>${inner(content)}</${name}>`
}

function inner(content: Xml): string {
  if (Array.isArray(content)) return content.map(inner).join('')
  if (typeof content === 'object')
    return Object.entries(content)
      .map(([name, value]) => element(name, value as Xml))
      .join('')
  return String(content).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
