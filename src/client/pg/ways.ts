import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import type pg from 'pg'
import type { Host } from '../../core/hosts.js'
import type { Target } from '../../core/target.js'
import { credentials, libpqFile } from '../../io/tls.js'
import type { Told } from '../told.js'
import type { Settings } from './settings.js'

type Attrs = NonNullable<Settings['target_session_attrs']>

/** One way to a session: a host, with or without TLS, and what the session there must be. */
export interface Way {
  /** `host:port`, or the path of a socket. */
  readonly place: string
  readonly config: pg.ClientConfig
  readonly wants: Attrs
  /** After a failure of TLS alone: libpq's second try of `prefer`, and of `allow`. */
  readonly second: boolean
}

/** All ways, in libpq's order: hosts as listed, for `prefer-standby` once for a standby and once for any. */
export function waysOf(target: Target, settings: Settings): Way[] {
  const param = (key: string) => target.params.get(key)?.reveal()
  const attrs = settings.target_session_attrs ?? 'any'
  const wants: Attrs[] = attrs === 'prefer-standby' ? ['standby', 'any'] : [attrs]
  const hosts = param('load_balance_hosts') === 'random' ? shuffled(target.hosts) : target.hosts
  return wants.flatMap(want =>
    hosts.flatMap(host =>
      tlsOf(target, host, settings).map((ssl, i) => ({
        place: 'path' in host ? host.path : `${host.host}:${host.port}`,
        wants: want,
        second: i > 0,
        config: configOf(target, host, settings, ssl),
      })),
    ),
  )
}

type Ssl = pg.ClientConfig['ssl']

function tlsOf(target: Target, host: Host, settings: Settings): Ssl[] {
  if (settings.ssl !== undefined) return [settings.ssl]
  const { mode } = target.tls
  if ('path' in host || mode === 'disable') return [false]
  const tls = {
    ...credentials(target.tls, libpqFile),
    ...(host.address ? { servername: host.host } : {}),
  } as Ssl
  return mode === 'prefer' ? [tls, false] : mode === 'allow' ? [false, tls] : [tls]
}

function configOf(target: Target, host: Host, settings: Settings, ssl: Ssl): pg.ClientConfig {
  const param = (key: string) => target.params.get(key)?.reveal()
  const user = target.user ?? userInfo().username
  const password = settings.password ?? host.password?.reveal() ?? target.password?.reveal()
  const options = param('options')
  const encoding = param('client_encoding')
  return {
    ...('path' in host
      ? { host: dirname(host.path), port: Number(/(\d+)$/.exec(host.path)?.[1]) }
      : { host: host.address ?? host.host, port: host.port }),
    user,
    database: target.database ?? user,
    ...(password === undefined ? {} : { password }),
    ssl: ssl ?? false,
    ...(ssl && target.tls.direct ? { sslnegotiation: 'direct' } : {}),
    application_name: settings.application_name,
    ...(options ? { options } : {}),
    ...(encoding && encoding !== 'auto' ? { client_encoding: encoding } : {}),
    ...(settings.types ? { types: settings.types } : {}),
    keepAlive: true,
    keepAliveInitialDelayMillis: settings.keepAliveInitialDelayMillis,
    connectionTimeoutMillis: settings.connectTimeoutMillis,
  } as pg.ClientConfig
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map(value => ({ value, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ value }) => value)
}

/** After this the first place is tried first again: the primary, or the one nearby, may be back. */
const AGAIN_MS = 60_000

/** Which way the next connection takes: the one that led to a session lately, else the next in turn. */
export class Route {
  readonly ways: readonly Way[]
  #at = 0
  /** When it was left for another one. */
  #leftAt = 0

  constructor(
    ways: readonly Way[],
    /** All attempts of one who asks; each place has its part of it. */
    limitMillis: number,
    private readonly now = () => performance.now(),
  ) {
    const places = new Set(ways.map(({ place }) => place)).size
    const most = Math.ceil((limitMillis * 0.9) / places)
    this.ways = places === 1 ? ways : ways.map(way => within(way, most))
  }

  /** After so many failures each place was tried once. */
  get round(): number {
    return this.ways.filter(({ second }) => !second).length
  }

  get way(): Way {
    if (this.#at > 0 && this.now() - this.#leftAt > AGAIN_MS) this.#at = 0
    return this.ways[this.#at] as Way
  }

  /** It failed; others that failed on the same way change nothing more. */
  failed(way: Way, error: Told): void {
    if (way !== this.way) return
    const tls = mayBeTls(error)
    do this.#at = (this.#at + 1) % this.ways.length
    while (this.way.second && !tls && this.way !== way)
    this.#leftAt = this.now()
  }

  /** A way without TLS is kept only where the server has none: one handshake that breaks is no reason. */
  worked(way: Way, plain: boolean): void {
    const at = this.ways.indexOf(way)
    const first = way.second && !plain ? at - 1 : at
    if (first !== this.#at) this.#leftAt = this.now()
    this.#at = Math.max(0, first)
  }
}

const within = (way: Way, most: number): Way => ({
  ...way,
  config: {
    ...way.config,
    connectionTimeoutMillis: Math.min(way.config.connectionTimeoutMillis ?? most, most),
  },
})

/** For want of TLS, or of its absence: pg_hba.conf has lines for one of the two. */
export const mayBeTls = ({ holdfast: { reason } }: Told): boolean =>
  reason === 'tls-failure' || reason === 'access-denied'

/** The server's own word that it has no TLS. */
export const hasNoTls = (error: Told | undefined): boolean =>
  error?.message === 'The server does not support SSL connections'
