import type { VariableConfig } from '../../config/config.js'
import { parseUrl } from '../../core/address.js'
import { nearest } from '../../core/errors.js'
import { parseDuration } from '../../core/options.js'
import type { Machine } from '../machine.js'
import type { Rule } from '../rule.js'
import { looksSecret, shownValue } from '../secrets.js'
import type { Checked } from '../subject.js'

type Type = NonNullable<VariableConfig['type']>

/** The number that min and max are about, true where there is none, undefined where the value does not fit. */
type Reader = (value: string, machine: Machine) => number | true | undefined

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

const succeeds = (work: () => unknown): boolean => {
  try {
    work()
    return true
  } catch {
    return false
  }
}

const READERS: Readonly<Record<Type, readonly [what: string, read: Reader]>> = {
  string: ['text', () => true],
  integer: ['a whole number', value => (/^[+-]?\d+$/.test(value) ? Number(value) : undefined)],
  number: ['a number', value => (NUMBER.test(value) ? Number(value) : undefined)],
  boolean: [
    'true or false (1, 0, yes, no, on, off)',
    value => (/^(true|false|1|0|yes|no|on|off)$/i.test(value) ? true : undefined),
  ],
  port: [
    'a port from 1 to 65535',
    value =>
      /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535 ? Number(value) : undefined,
  ],
  url: [
    'a URL like https://host/path',
    value => (value.includes('://') && succeeds(() => parseUrl(value)) ? true : undefined),
  ],
  duration: [
    'a duration like 250ms, 5s or 2m',
    value => (succeeds(() => parseDuration(value, '')) ? parseDuration(value, '') : undefined),
  ],
  path: [
    'the path of a file or folder that is there',
    (value, machine) => (machine.file(value) ? true : undefined),
  ],
}

/** What is wrong with a value that is set, as the end of a sentence. */
function wrong(value: string, rule: VariableConfig, machine: Machine): string | undefined {
  const [what, read] = READERS[rule.type ?? 'string']
  const number = read(value, machine)
  if (number === undefined) return `is not ${what}`
  const unit = rule.type === 'duration' ? ' ms' : ''
  if (typeof number === 'number' && rule.min !== undefined && number < rule.min)
    return `is less than ${rule.min}${unit}`
  if (typeof number === 'number' && rule.max !== undefined && number > rule.max)
    return `is more than ${rule.max}${unit}`
  if (rule.oneOf && !rule.oneOf.includes(value)) return `is not one of ${rule.oneOf.join(', ')}`
  return undefined
}

const declared = ({ config }: Checked) => Object.entries(config.environment ?? {})

const setNear = (name: string, { env }: Checked): string | undefined =>
  nearest(
    name,
    Object.keys(env).filter(other => env[other] && Math.abs(other.length - name.length) < 3),
    2,
  )

export const environment: readonly Rule[] = [
  {
    id: 'environment-missing',
    stage: 'config',
    level: 'error',
    title: 'a variable that the configuration requires is not set, or empty',
    why: 'The program would find out later, in the middle of a request. Each variable under environment is required unless it says required: false.',
    advice: 'Set it, or say required: false under environment.',
    bad: { config: 'environment:\n  SITE_NAME: {}\n' },
    good: { config: 'environment:\n  SITE_NAME: {}\n', env: { SITE_NAME: 'shop' } },
    *check(subject) {
      for (const [name, { required = true }] of declared(subject)) {
        if (!required || subject.env[name]) continue
        const near = setNear(name, subject)
        const state = subject.env[name] === '' ? 'empty' : 'not set'
        yield {
          message: `${name} is ${state}${near ? `; ${near} is set` : ''}`,
          where: subject.placeOf('environment', name),
        }
      }
    },
  },
  {
    id: 'environment-invalid',
    stage: 'config',
    level: 'error',
    title: 'a variable does not hold what the configuration says that it must',
    why: 'Type, min, max and oneOf under environment. The value of a variable that looks like a secret is never shown.',
    advice: 'Correct the variable, or what the configuration says of it.',
    bad: { config: 'environment:\n  WORKERS: { type: integer, min: 1, max: 64 }\n', env: { WORKERS: '0' } },
    good: { config: 'environment:\n  WORKERS: { type: integer, min: 1, max: 64 }\n', env: { WORKERS: '8' } },
    *check({ env, machine, placeOf, ...subject }) {
      for (const [name, rule] of declared({ env, machine, placeOf, ...subject })) {
        const value = env[name]
        const what = value ? wrong(value, rule, machine) : undefined
        if (!value || !what) continue
        // What else is allowed is no secret, but may be the half of one.
        const shown =
          looksSecret(name, value) && rule.oneOf ? 'is not one of the values that are allowed' : what
        yield { message: `${name}: ${shownValue(name, value)} ${shown}`, where: placeOf('environment', name) }
      }
    },
  },
]
