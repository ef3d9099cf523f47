import type { Level } from '../../core/concern.js'
import { farthest, type Nearness } from '../../core/near.js'
import type { Target } from '../../core/target.js'
import type { Flaw, Rule } from '../rule.js'
import { adding } from '../setting.js'
import type { Checked, CheckedTarget } from '../subject.js'

/** TLS of these is their own business: a command, a bare port, a health address. */
const WITHOUT = /^(exec|tcp|http)$/

const PLACE: Readonly<Record<Nearness, string>> = {
  local: 'this machine',
  container: 'a name without a dot, as containers of one network have',
  private: 'a private network',
  public: 'a public network',
}

const LEVELS: Readonly<Record<'off' | 'unverified', Partial<Record<Nearness, Level>>>> = {
  off: { public: 'error', private: 'warning', container: 'info' },
  unverified: { public: 'warning', private: 'info', container: 'info' },
}

/** Is TLS off, or on without a proof of who answers? A wrong host name passes `verify-ca`, too. */
function state({ tls, service }: Target): 'off' | 'unverified' | undefined {
  switch (tls.mode) {
    case 'disable':
    case 'allow':
      return 'off'
    case 'prefer':
      return 'unverified'
    case 'require':
    case 'verify-ca':
      // libpq: with an authority, `require` verifies as `verify-ca` does.
      return service === 'postgres' || tls.mode === 'verify-ca' || !tls.ca ? 'unverified' : undefined
    case 'verify-full':
      return undefined
  }
}

const SAFE_SCHEME: Readonly<Record<string, string>> = {
  redis: 'rediss://',
  rabbitmq: 'amqps://',
  nats: 'nats+tls://',
  mqtt: 'mqtts://',
  kafka: 'kafka+ssl://',
  clickhouse: 'clickhouses://',
}

/** What is left open by a mode that is on. */
const OPEN: Readonly<Record<string, string>> = {
  prefer: 'falls back to plain text where the server, or somebody in between, declines TLS',
  require: 'encrypts, but does not verify who answers',
  'verify-ca': 'verifies the authority, but not the name of the host',
}

function* found({ targets }: Checked, wanted: 'off' | 'unverified'): Iterable<Flaw> {
  for (const one of targets) {
    const { target } = one
    const near = farthest(target)
    const level = LEVELS[wanted][near]
    if (!level || WITHOUT.test(target.service) || state(target) !== wanted) continue
    const mode = target.tls.mode
    const how =
      wanted === 'off'
        ? mode === 'allow'
          ? 'sslmode=allow asks for plain text first'
          : 'TLS is off'
        : `sslmode=${mode} ${target.tls.ca && mode === 'require' ? OPEN['verify-ca'] : OPEN[mode]}`
    yield {
      level,
      message: `${how}, and the address leads to ${PLACE[near]}`,
      ...remedy(one),
      target: target.name,
      where: one.where,
    }
  }
}

function remedy(one: CheckedTarget): Pick<Flaw, 'advice' | 'fix'> {
  const scheme = SAFE_SCHEME[one.target.service]
  const parameter =
    one.target.tls.mode === 'disable' && scheme && !one.target.given.reveal().includes('sslmode=')
  if (parameter)
    return { advice: `Write ${scheme} for its scheme, with the port where the server speaks TLS.` }
  return {
    advice: 'Ask for sslmode=verify-full, with sslrootcert=FILE for an authority of your own.',
    fix: adding(one, 'sslmode', 'verify-full'),
  }
}

const SAFE = { DATABASE_URL: 'postgres://app@db.example.com/app?sslmode=verify-full&connect_timeout=10' }

export const tls: readonly Rule[] = [
  {
    id: 'tls-off',
    stage: 'deploy',
    level: 'error',
    title: 'no TLS to another machine',
    why: 'Passwords and data can be read and changed on the way. Error to a public host; warning into a private network (private addresses, .internal, .local, .svc); info to a name without a dot, which containers of one network have; nothing on this machine.',
    advice: 'Ask for sslmode=verify-full.',
    bad: { env: { DATABASE_URL: 'postgres://app@db.example.com/app?sslmode=disable' } },
    good: { env: SAFE },
    check: subject => found(subject, 'off'),
  },
  {
    id: 'tls-unverified',
    stage: 'deploy',
    level: 'warning',
    title: 'TLS that does not prove who answers',
    why: 'prefer (the default of libpq) falls back to plain text, require takes any certificate, verify-ca any name. Warning to a public host; info into a private network and to a name without a dot.',
    advice: 'Ask for sslmode=verify-full.',
    bad: { env: { DATABASE_URL: 'postgres://app@db.example.com/app?sslmode=require' } },
    good: { env: SAFE },
    check: subject => found(subject, 'unverified'),
  },
]
