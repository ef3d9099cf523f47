import type { Target } from '../../core/target.js'
import type { Env } from '../../gate/variables.js'
import type { Flaw, Rule } from '../rule.js'
import { adding } from '../setting.js'
import type { CheckedTarget } from '../subject.js'

interface Limit {
  /** What it limits, and what happens without it. */
  readonly what: string
  /** Any of these in the address sets it, in any case. */
  readonly names: readonly string[]
  /** What to add. */
  readonly parameter?: readonly [name: string, value: string]
  /** Missing, it has a default of the driver's that is good enough. */
  readonly standard?: boolean
  /** The value that switches it off. */
  readonly off?: RegExp
}

const ZERO = /^0+(ms|s)?$/

const KEEPALIVES: Limit = {
  what: 'TCP keepalive, by which a dead peer is noticed',
  names: ['keepalives'],
  off: /^0$/,
  standard: true,
}

/**
 * What drivers take in an address. Sources: PostgreSQL manual 34.1.2; mysql2, "Connection options"; MongoDB, "URI
 * Options"; RabbitMQ, "URI Query Parameters".
 */
const LIMITS: Readonly<Record<string, readonly Limit[]>> = {
  postgres: [
    {
      what: 'the time for connecting, which without it is minutes',
      names: ['connect_timeout', 'connectionTimeoutMillis', 'connect_timeout_ms'],
      parameter: ['connect_timeout', '10'],
      off: ZERO,
    },
    {
      what: 'the time of a statement, which without it may hold a connection for ever',
      names: ['statement_timeout', 'command_timeout', 'query_timeout'],
      parameter: ['options', '-c statement_timeout=60s'],
      off: ZERO,
    },
    KEEPALIVES,
  ],
  mysql: [
    {
      what: 'the time for connecting',
      names: ['connectTimeout', 'connect_timeout', 'timeout'],
      parameter: ['connectTimeout', '10000'],
      off: ZERO,
    },
  ],
  mongodb: [
    { what: 'the time for connecting', names: ['connectTimeoutMS'], off: ZERO, standard: true },
    {
      what: 'the time of an operation',
      names: ['timeoutMS', 'socketTimeoutMS'],
      parameter: ['timeoutMS', '60000'],
      off: ZERO,
    },
  ],
  rabbitmq: [
    { what: 'heartbeats, by which a dead peer is noticed', names: ['heartbeat'], off: ZERO, standard: true },
  ],
}

/** The value that is set, for libpq also by its variables and inside `options`. */
function settingOf({ params, service }: Target, { names }: Limit, env: Env): string | undefined {
  const given = new Map([...params].map(([key, value]) => [key.toLowerCase(), value.reveal()]))
  const own = names.map(name => given.get(name.toLowerCase())).find(value => value !== undefined)
  if (own !== undefined || service !== 'postgres') return own
  const options = given.get('options') ?? ''
  const inside = names.map(name => new RegExp(`\\b${name}\\s*=\\s*(\\w+)`).exec(options)?.[1])
  return (
    inside.find(Boolean) ??
    (names.includes('connect_timeout') ? env.PGCONNECT_TIMEOUT || undefined : undefined)
  )
}

function* limitsOf(one: CheckedTarget, env: Env): Iterable<Flaw> {
  const { target, where } = one
  const base = { target: target.name, where }
  for (const limit of LIMITS[target.service] ?? []) {
    if (target.hosts.every(host => 'path' in host) && limit === KEEPALIVES) continue
    const value = settingOf(target, limit, env)
    const [name, standard] = limit.parameter ?? []
    if (value !== undefined && limit.off?.test(value)) {
      const message = `${limit.names[0]}=0 switches off ${limit.what.replace(/, which.*/, '')}`
      yield { level: 'warning', message, advice: `Leave ${limit.names[0]} out, or give it a limit.`, ...base }
    } else if (value === undefined && !limit.standard && name && standard) {
      yield {
        message: `nothing limits ${limit.what}`,
        advice: `Add ${name}=${standard}, unless the program's driver sets it.`,
        fix: adding(one, name, standard),
        ...base,
      }
    }
  }
}

const LIMITED = 'connect_timeout=10&options=-c%20statement_timeout%3D60s'

export const timeouts: readonly Rule[] = [
  {
    id: 'no-timeouts',
    stage: 'deploy',
    level: 'info',
    title: 'no time limits in the address, where the driver takes them there',
    why: 'A connection to a host that drops packets, or a statement that waits for a lock, holds a worker until somebody restarts it. Info where the limit is missing, since the program may set it in its code; warning where it, or keepalive, is switched off.',
    advice: 'Add connect_timeout and statement_timeout.',
    bad: { env: { DATABASE_URL: 'postgres://app@localhost/app' } },
    good: { env: { DATABASE_URL: `postgres://app@localhost/app?${LIMITED}` } },
    *check({ targets, env }) {
      for (const one of targets) yield* limitsOf(one, env)
    },
  },
]
