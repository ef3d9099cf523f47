import { TLS_MODES } from '../../core/tls.js'
import type { Env } from '../../gate/variables.js'
import type { Flaw, Rule } from '../rule.js'
import { shownValue } from '../secrets.js'
import type { CheckedTarget } from '../subject.js'

type Wanted = readonly [what: string, fits: (value: string) => boolean]

const oneOf = (...words: readonly string[]): Wanted => [
  `one of ${words.join(', ')}`,
  value => words.includes(value),
]

const isPort = (text: string): boolean =>
  /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535

const WHOLE: Wanted = ['a whole number of seconds', value => /^\s*\d+\s*$/.test(value)]

const PORT: Wanted = ['a port from 1 to 65535', isPort]

/** What libpq and the habit of Django and Compose expect. Source: PostgreSQL manual, sections 34.1.2 and 34.15. */
const EXPECTED: Readonly<Record<string, Wanted>> = {
  PGPORT: [PORT[0], value => value.split(',').every(port => port === '' || isPort(port))],
  PGSSLMODE: oneOf(...TLS_MODES),
  PGSSLNEGOTIATION: oneOf('postgres', 'direct'),
  PGCHANNELBINDING: oneOf('disable', 'prefer', 'require'),
  PGTARGETSESSIONATTRS: oneOf('any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'),
  PGCONNECT_TIMEOUT: WHOLE,
  DB_PORT: PORT,
  DB_SSL_MODE: oneOf(...TLS_MODES),
}

/** The variables that hold what they must not, with what is wrong. An empty one counts as not set. */
export function wrongVariables(env: Env): { readonly variable: string; readonly flaw: Flaw }[] {
  return Object.entries(EXPECTED).flatMap(([variable, [what, fits]]) => {
    const value = env[variable]
    if (!value || fits(value)) return []
    const where = `env:${variable}`
    // Kubernetes and Docker's links set it for a service named "db".
    if (variable === 'DB_PORT' && /^tcp:\/\/[\w.:[\]-]+$/.test(value)) {
      const flaw = {
        level: env.DB_HOST ? ('error' as const) : ('warning' as const),
        message: `DB_PORT is "${value}", as Kubernetes and Docker's links set it for a service named "db"; it is not ${what}`,
        advice: 'Set DB_PORT yourself, rename the Service, or switch the links off.',
        fix: 'enableServiceLinks: false',
        where,
      }
      return [{ variable, flaw }]
    }
    return [
      { variable, flaw: { message: `${variable}: ${shownValue(variable, value)} is not ${what}`, where } },
    ]
  })
}

/** Parameters of an address that libpq takes for numbers. Source: PostgreSQL manual, 34.1.2. */
const NUMBERS = [
  'connect_timeout',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
]

function* wrongParameters({ target, where }: CheckedTarget): Iterable<Flaw> {
  if (target.service !== 'postgres') return
  for (const name of NUMBERS) {
    const value = target.params.get(name)?.reveal()
    if (value && !/^\s*-?\d+\s*$/.test(value))
      yield {
        message: `${name}: ${shownValue(name, value)} is not a whole number`,
        target: target.name,
        where,
      }
  }
}

export const variables: readonly Rule[] = [
  {
    id: 'variable-invalid',
    stage: 'config',
    level: 'error',
    title: 'a variable that names a database holds what cannot be used',
    why: "DATABASE_URL and its kind, libpq's PG* and the DB_* of Django and Compose: drivers fail with it, or take a default without a word. A warning where other targets are given, so that holdfast itself does not need it.",
    advice: 'Correct the variable where it is set.',
    bad: { env: { DB_HOST: 'localhost', DB_PORT: 'abc' } },
    good: { env: { DB_HOST: 'localhost', DB_PORT: '5432' } },
    *check({ env, problems }) {
      for (const { flaw } of wrongVariables(env)) yield flaw
      yield* problems.filter(({ id }) => id === 'variable-invalid')
    },
  },
  {
    id: 'parameter-invalid',
    stage: 'config',
    level: 'error',
    title: 'a parameter of the address holds what libpq does not take',
    why: 'connect_timeout, keepalives and their kind are whole numbers: psql and every driver on libpq refuse the address. Parameters that libpq does not know are the business of the driver that does.',
    advice: 'Correct the parameter where the address is set.',
    bad: { env: { DATABASE_URL: 'postgres://app@localhost/app?connect_timeout=10s' } },
    good: { env: { DATABASE_URL: 'postgres://app@localhost/app?connect_timeout=10' } },
    *check({ targets }) {
      for (const one of targets) yield* wrongParameters(one)
    },
  },
]
