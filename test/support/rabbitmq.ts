/** A real RabbitMQ broker for one file. It takes five seconds to boot: share it wherever tests only read. */
import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CertificateName, certificates } from './certs.js'
import { type ServerProcess, startServer } from './process.js'
import { freePort, giveToServer, tempFolder } from './root.js'
import { buildUrl, type UrlParts } from './url.js'

export interface RabbitmqUser {
  /** Default: one that nobody knows. */
  password?: string
  /** Virtual hosts that it may enter, with the right to everything there; default all. */
  vhosts?: readonly string[]
  maxConnections?: number
  /** What it may configure, a regular expression; default everything. */
  configure?: string
}

export interface VhostLimits {
  maxConnections?: number
  maxQueues?: number
}

export interface RabbitmqOptions {
  /** By name; `guest` may be among them, and comes from loopback addresses only. */
  users?: Record<string, RabbitmqUser>
  /** Besides `/`. */
  vhosts?: Record<string, VhostLimits>
  /** Also listens with TLS, on another port; true means `server`. A client's certificate is asked for. */
  tls?: boolean | CertificateName
  /** The memory alarm is raised from the beginning: nobody may publish. */
  alarm?: boolean
  /** Addresses; default 127.0.0.1. */
  listen?: readonly string[]
  plugins?: readonly string[]
  port?: number
}

export interface RabbitmqServer {
  readonly host: string
  readonly port: number
  /** With TLS. */
  readonly tlsPort: number
  readonly pid: number
  /** amqp://, to the first user, or to `guest`; `password: null` leaves the password out. */
  url(overrides?: UrlParts): string
  stop(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** Kills what is left and removes the data. */
  remove(): Promise<void>
  log(): string
  waitForLog(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>
}

const LIBRARY = '/usr/lib/rabbitmq/lib'
const READY = /Server startup complete/
/** A busy machine takes several times the usual five seconds. */
const BOOT_MS = 60_000

/** Boots a broker of its own, under a node name, folder and ports that no other has, and without epmd. */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RabbitmqServer> {
  const { listen = ['127.0.0.1'], users = { guest: { password: 'guest' } } } = options
  const [port, tlsPort, nodePort] = [options.port ?? (await freePort()), await freePort(), await freePort()]
  const folder = tempFolder('rabbitmq', { forServer: true })
  const definitions = file(folder, 'definitions.json', JSON.stringify(definitionsOf(users, options.vhosts)))
  const settings = [
    `{tcp_listeners, [${listen.map(address => `{"${address}", ${port}}`).join(', ')}]}`,
    `{load_definitions, "${definitions}"}`,
    '{log, [{console, [{enabled, true}, {level, info}]}, {file, [{file, false}]}]}',
    ...(options.tls ? await tlsSettings(options.tls, listen, tlsPort) : []),
    ...(options.alarm ? ['{vm_memory_high_watermark, {absolute, 1}}'] : []),
  ]
  const config = file(folder, 'advanced.config', `[{rabbit, [${settings.join(',\n')}]}].\n`)
  const node = `holdfast-${port}@localhost`
  const env = {
    HOME: folder,
    // The script becomes the broker, instead of a shell that waits for it.
    detached: '1',
    RABBITMQ_NODENAME: node,
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    // Only the other one: reading this kind would take another second.
    RABBITMQ_CONFIG_FILE: join(folder, 'none'),
    RABBITMQ_ADVANCED_CONFIG_FILE: config,
    RABBITMQ_ENABLED_PLUGINS_FILE: file(folder, 'plugins', `[${(options.plugins ?? []).join(', ')}].\n`),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_DIST_PORT: String(nodePort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      `-noinput -sname ${node} -start_epmd false -erl_epmd_port ${nodePort}`,
      `-kernel inet_dist_listen_min ${nodePort} inet_dist_listen_max ${nodePort}`,
      'inet_dist_use_interface {127,0,0,1} +S 2:2',
    ].join(' '),
  }
  const running: ServerProcess = await startServer({
    name: `rabbitmq on port ${port}`,
    command: program(),
    args: [],
    env,
    logFile: file(folder, 'output', ''),
    ready: READY,
    readyTimeoutMs: BOOT_MS,
  })
  const host = listen[0] as string
  const [user = 'guest'] = Object.keys(users)
  return {
    host,
    port,
    tlsPort,
    pid: running.pid,
    url: overrides =>
      buildUrl({
        scheme: 'amqp',
        host,
        port: overrides?.scheme === 'amqps' ? tlsPort : port,
        user,
        password: users[overrides?.user ?? user]?.password ?? null,
        ...overrides,
      }),
    async stop() {
      await running.stop('SIGTERM', 20_000)
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
}

/** The script below the one on PATH, which wants to be run by root or by a user of its own. */
function program(): string {
  const version = readdirSync(LIBRARY).find(name => name.startsWith('rabbitmq_server-'))
  if (!version) throw new Error(`no rabbitmq_server below ${LIBRARY}`)
  return join(LIBRARY, version, 'sbin', 'rabbitmq-server')
}

function file(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  giveToServer(path)
  return path
}

/** What would otherwise take a slow rabbitmqctl each. Source: rabbitmq.com, "Definitions", "Password hashing". */
function definitionsOf(users: Record<string, RabbitmqUser>, limits: Record<string, VhostLimits> = {}) {
  const vhosts = ['/', ...Object.keys(limits)]
  return {
    vhosts: vhosts.map(name => ({ name })),
    users: Object.entries(users).map(([name, { password, maxConnections }]) => ({
      name,
      password_hash: hashOf(password ?? randomBytes(16).toString('hex')),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: [],
      limits: maxConnections === undefined ? {} : { 'max-connections': maxConnections },
    })),
    permissions: Object.entries(users).flatMap(([user, { vhosts: granted = vhosts, configure = '.*' }]) =>
      granted.map(vhost => ({ user, vhost, configure, write: '.*', read: '.*' })),
    ),
    parameters: Object.entries(limits).map(([vhost, { maxConnections, maxQueues }]) => ({
      component: 'vhost-limits',
      name: 'limits',
      vhost,
      value: {
        ...(maxConnections === undefined ? {} : { 'max-connections': maxConnections }),
        ...(maxQueues === undefined ? {} : { 'max-queues': maxQueues }),
      },
    })),
  }
}

function hashOf(password: string): string {
  const salt = randomBytes(4)
  const digest = createHash('sha256').update(salt).update(password).digest()
  return Buffer.concat([salt, digest]).toString('base64')
}

async function tlsSettings(
  tls: true | CertificateName,
  listen: readonly string[],
  port: number,
): Promise<string[]> {
  const all = await certificates()
  const { certPath, keyPath } = all[tls === true ? 'server' : tls]
  const files = `{cacertfile, "${all.ca.certPath}"}, {certfile, "${certPath}"}, {keyfile, "${keyPath}"}`
  return [
    `{ssl_listeners, [${listen.map(address => `{"${address}", ${port}}`).join(', ')}]}`,
    `{ssl_options, [${files}, {verify, verify_peer}, {fail_if_no_peer_cert, false}]}`,
    '{ssl_cert_login_from, common_name}',
    "{auth_mechanisms, ['PLAIN', 'AMQPLAIN', 'EXTERNAL']}",
  ]
}

/** When a broker first let a client in, by its own log: it listens last of all. */
export function rabbitmqReadyAt(log: string): number {
  const line = /(\d{4}-\d\d-\d\d [\d:.]+)\+00:00 \[info\] <[\d.]+> started TCP listener on/.exec(log)
  return Date.parse(`${line?.[1]?.replace(' ', 'T')}Z`)
}
