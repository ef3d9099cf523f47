import { decide, type Ruling } from '../core/decide.js'
import { Look } from '../core/look.js'
import { type Heals, REASONS, type Reason, type ReasonId, type Retry, reasonOf } from '../core/reasons.js'
import { plain } from '../core/redact.js'
import { hasSession, PHASES, type Phase, type Rules } from '../core/rules.js'
import { adviceOf, type Finding } from '../core/verdict.js'
import { clickhouseRules } from './clickhouse/drivers.js'
import { kafkaRules } from './kafka/drivers.js'
import { mongodbRules } from './mongodb/drivers.js'
import { mqttRules } from './mqtt/drivers.js'
import { mysqlRules } from './mysql/drivers.js'
import { natsRules } from './nats/drivers.js'
import { postgresRules } from './postgres/drivers.js'
import { rabbitmqRules } from './rabbitmq/drivers.js'
import { redisRules } from './redis/drivers.js'

/** The packages whose errors `classify` knows. */
export type Driver =
  | 'pg'
  | 'pg-pool'
  | 'postgres'
  | 'mysql2'
  | 'mariadb'
  | 'ioredis'
  | 'redis'
  | '@clickhouse/client'
  | 'mongodb'
  | 'amqplib'
  | 'mqtt'
  | 'nats'
  | '@nats-io/transport-node'
  | 'kafkajs'

export interface ClassifyOptions {
  /** The package that the error came from. Without it the rules of all are asked, and some wordings are too common to count. */
  readonly driver?: Driver
  /** What the program was doing. Only the caller knows, and what became of the statement depends on it. */
  readonly phase?: Phase
  /** Whether any byte of the statement left. False makes repeating safe, whatever happened. */
  readonly sent?: boolean
  /** The error of the driver's last 'error' event: some reject with "Connection is closed." and tell the reason there (ioredis, amqplib, mongodb). */
  readonly lastEvent?: unknown
}

/**
 * What became of the statement: it was not sent; the server rejected it, without effect; or nobody knows, and it
 * must not be repeated by itself. SQL calls the last 40003 and 08007.
 */
export type Outcome = 'not-sent' | 'rejected' | 'unknown'

export interface Classification {
  readonly reason: ReasonId
  /** The phase that the caller gave. */
  readonly phase: Phase | undefined
  readonly outcome: Outcome
  /** Will waiting help? */
  readonly heals: Heals
  /** Is repeating safe? By the reason alone: never repeat by yourself what has an unknown outcome. */
  readonly retry: Retry
  /** May a test suite do without the service? Never where it answered, or may have. */
  readonly absent: boolean
  readonly httpStatus: Reason['http']
  /** What to do next. */
  readonly advice: string
  /** SQLSTATE, errno, reply code or prefix, or Node code. */
  readonly code: string | undefined
  /** True where only the wording of a message gave the reason. */
  readonly byText: boolean
}

/** The only file that knows the rules of all services. */
const RULES: readonly Rules[] = [
  postgresRules,
  mysqlRules,
  redisRules,
  clickhouseRules,
  mongodbRules,
  rabbitmqRules,
  natsRules,
  mqttRules,
  kafkaRules,
]

/** What any error of the supported drivers means, by the table of reasons. Never throws, whatever it is given. */
export function classify(error: unknown, options: ClassifyOptions = {}): Classification {
  const given = Look.at(options)
  const phase = PHASES.find(known => known === given.text('phase'))
  const own = rulesOf(given.text('driver'))
  const seen = Look.at(error)
  const known = phase || given.has('sent') ? undefined : remembered(seen)
  if (known) return known
  const ruling =
    concluded(seen) ??
    decide(seen, {
      phase,
      named: own !== undefined,
      rules: own ? [own] : RULES,
      lastEvent: given.at('lastEvent'),
    })
  // What goes wrong before anything is connected is the caller's, whatever it is.
  const reason: ReasonId = phase === 'config' ? 'client-misuse' : 'unknown'
  const found: Finding = ruling?.finding ?? { reason, message: seen.message }
  const sent = isMisuse(seen) ? false : given.flag('sent')
  const finding = hasSession(phase) && sent !== false && !own?.sessionless ? asLoss(found) : found
  const outcome = outcomeOf(phase, sent, ruling?.rejected === true)
  return concerning(finding, { phase, outcome, advice: inDoubt(adviceOf(finding), phase, outcome) })
}

function concerning(
  finding: Finding,
  { phase, outcome, advice }: Pick<Classification, 'phase' | 'outcome' | 'advice'>,
): Classification {
  const { heals, retry, absent, http } = reasonOf(finding.reason)
  return {
    reason: finding.reason,
    phase,
    outcome,
    heals,
    retry,
    absent: absent === 'yes' && finding.reason !== 'connection-lost',
    httpStatus: finding.reason === 'connection-lost' && outcome !== 'not-sent' ? 500 : http,
    advice,
    code: codeOf(finding),
    byText: finding.byText === true,
  }
}

/** The same, by who has learned since what became of it. */
export const settled = (found: Classification, outcome: Outcome): Classification =>
  concerning(
    { reason: found.reason, message: '', code: found.code ?? '', byText: found.byText },
    { phase: found.phase, outcome, advice: inDoubt(found.advice.replace(OPEN, ''), found.phase, outcome) },
  )

const OUTCOMES: readonly Outcome[] = ['not-sent', 'rejected', 'unknown']

/** What a helper of holdfast knew when the error came to it (client/told.ts), also through what wraps the error. */
function remembered(error: Look): Classification | undefined {
  for (let at: Look | undefined = error, depth = 0; at && depth < 8; at = at.inner('cause'), depth++) {
    const told = at.inner('holdfast')
    const reason = told?.text('reason') ?? ''
    const outcome = OUTCOMES.find(one => one === told?.text('outcome'))
    if (!told || !outcome || !Object.hasOwn(REASONS, reason)) continue
    const phase = PHASES.find(one => one === told.text('phase'))
    return concerning(
      {
        reason: reason as ReasonId,
        message: '',
        code: told.text('code'),
        byText: told.flag('byText') === true,
      },
      { phase, outcome, advice: told.text('advice') },
    )
  }
  return undefined
}

/** What a HoldfastError has concluded already. */
function concluded(error: Look): Ruling | undefined {
  if (isMisuse(error))
    return { finding: { reason: 'client-misuse', message: error.message }, rejected: false }
  const finding = error.is('HoldfastError') ? error.inner('verdict')?.inner('finding') : undefined
  const reason = finding?.text('reason') ?? ''
  if (!finding || !Object.hasOwn(REASONS, reason)) return undefined
  const [code, advice] = [finding.text('code'), finding.text('advice')]
  const known = { reason: reason as ReasonId, message: finding.message }
  return { finding: { ...known, ...(code ? { code } : {}), ...(advice ? { advice } : {}) }, rejected: false }
}

/** Of an option or a configuration: nothing was begun. */
const isMisuse = (error: Look): boolean =>
  error.is('HoldfastError') && /^(usage|config)$/.test(error.text('kind')) && !error.has('verdict')

/** The rules of a driver, also under the names of its other entries: mysql2/promise, mysql2-pool. */
function rulesOf(driver: string): Rules | undefined {
  const bare = driver.replace(/(\/promise|\/callback|-pool)$/, '')
  return RULES.find(({ drivers }) => drivers.includes(driver) || drivers.includes(bare))
}

/**
 * A failure to connect while the caller has a session is the driver's attempt to replace the one that was lost,
 * often behind a statement that it had sent. That it is refused now says nothing about that statement.
 */
function asLoss(finding: Finding): Finding {
  const dial = /^(dns-failure|connection-refused|host-unreachable|connect-timeout)$/.test(finding.reason)
  if (!dial) return finding
  const advice = `The session is lost, and a new one fails: ${adviceOf(finding)}`
  return { ...finding, reason: 'connection-lost', advice }
}

/** From what the caller knows, never from the error: a COMMIT lost on the way and one whose reply was lost look alike. */
function outcomeOf(phase: Phase | undefined, sent: boolean | undefined, rejected: boolean): Outcome {
  if (sent === false) return 'not-sent'
  if (sent !== true && phase && phase !== 'statement' && phase !== 'commit') return 'not-sent'
  return rejected ? 'rejected' : 'unknown'
}

function inDoubt(advice: string, phase: Phase | undefined, outcome: Outcome): string {
  const open = outcome === 'unknown' && (phase === 'statement' || phase === 'commit')
  return open ? advice + OPEN : advice
}

const OPEN = ' Whether the statement took effect is not known: look before you repeat it.'

/** An outsider's code, if it is short enough to be one. */
function codeOf({ code = '' }: Finding): string | undefined {
  const shown = plain(code)
  return /^[\w.-]{1,64}$/.test(shown) ? shown : undefined
}
