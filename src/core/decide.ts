import { PRECEDENCE } from './classify.js'
import type { Look } from './look.js'
import { byText, type Circumstances, type Rules, reasonIn } from './rules.js'
import { transportByCode, transportByName } from './transport.js'
import type { Finding } from './verdict.js'

/** How deep errors are unwrapped; a circle of causes ends here. */
const DEEPEST = 8

export interface Ruling {
  readonly finding: Finding
  /** The server answered that the statement had no effect. */
  readonly rejected: boolean
}

export interface Case extends Circumstances {
  readonly rules: readonly Rules[]
  /** What the driver told its 'error' listener last. */
  readonly lastEvent?: Look | undefined
}

/**
 * What an error means by the first of: the attempts of an AggregateError, the error that it hides, its codes
 * (server, TLS, socket), its class, its text; then what it wraps. Undefined where no rule knows it.
 */
export function decide(error: Look, about: Case, depth = 0): Ruling | undefined {
  if (depth > DEEPEST) return undefined
  const deeper = (inner: Look | undefined): Ruling | undefined => inner && decide(inner, about, depth + 1)
  const attempts = () => best(error.list('errors').map(deeper))
  return (
    (error.is('AggregateError') ? attempts() : hidden(error, about, deeper)) ??
    stated(error, about) ??
    deeper(error.inner('cause')) ??
    attempts()
  )
}

/** Where a driver's error only says that there was one. */
function hidden(error: Look, about: Case, deeper: (inner?: Look) => Ruling | undefined): Ruling | undefined {
  for (const { behind } of about.rules) {
    for (const name of behind?.(error) ?? []) {
      // An event tells why the connection is gone, not what became of this statement.
      if (name === 'lastEvent') {
        const told = about.lastEvent && decide(about.lastEvent, { ...about, lastEvent: undefined })
        if (told) return { ...told, rejected: false }
      } else {
        const found = deeper(error.inner(name))
        if (found) return found
      }
    }
  }
  return undefined
}

/** What the error itself says. */
function stated(error: Look, about: Case): Ruling | undefined {
  const { rules, phase } = about
  for (const one of rules) {
    const finding = one.code(error, about)
    if (finding) return { finding, rejected: one.rejected(error, finding) }
  }
  const finding =
    transportByCode(error) ??
    first(rules, one => byClass(one, error, about)) ??
    transportByName(error, phase) ??
    first(rules, one =>
      byText([...(about.named ? (one.ownTexts ?? []) : []), ...one.texts], error.message, phase),
    )
  return finding && { finding, rejected: false }
}

function byClass({ classes }: Rules, error: Look, { phase }: Case): Finding | undefined {
  const name = [error.kind, error.text('name')].find(one => Object.hasOwn(classes, one))
  const means = name && classes[name]
  return means ? { reason: reasonIn(means, phase), message: error.message } : undefined
}

function first<T, R>(list: readonly T[], find: (one: T) => R | undefined): R | undefined {
  for (const one of list) {
    const found = find(one)
    if (found !== undefined) return found
  }
  return undefined
}

/** Of several attempts an answer tells more than a failure to connect, and of these the order is fixed. */
function best(rulings: readonly (Ruling | undefined)[]): Ruling | undefined {
  const known = rulings.filter(ruling => ruling !== undefined)
  const rank = ({ finding }: Ruling): number => {
    const at = PRECEDENCE.indexOf(finding.code ?? '')
    return at >= 0 ? at : DIALS.has(finding.reason) ? PRECEDENCE.length : -1
  }
  const most = [...known].sort((a, b) => rank(a) - rank(b))[0]
  return most && { ...most, rejected: known.length === rulings.length && known.every(one => one.rejected) }
}

const DIALS: ReadonlySet<string> = new Set([
  'dns-failure',
  'connection-refused',
  'host-unreachable',
  'connect-timeout',
  'connection-lost',
  'resource-exhausted',
])
