import { nearest, usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import { redactAddress } from '../core/redact.js'
import { SCHEMES } from '../services/registry.js'
import type { Demands, Limit } from '../watch/thresholds.js'
import type { Values } from './call.js'

const HOUR_MS = 3_600_000

/**
 * `7d`, `2w`, `12h` ago, or the beginning of a day (UTC), or a moment in RFC 3339.
 *
 * @throws HoldfastError (usage)
 */
export function sinceOf(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined
  const [, count, unit] = /^(\d{1,5}(?:\.\d+)?)([dw])$/.exec(text) ?? []
  const days = unit === undefined ? undefined : Number(count) * (unit === 'w' ? 7 : 1)
  if (/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)) {
    const moment = new Date(text)
    if (!Number.isNaN(moment.getTime()) && isOfCalendar(text.slice(0, 10))) return moment
  }
  if (days === undefined && !/^\d+(\.\d+)?(ms|s|m|h)$/.test(text))
    throw usage(`--since: "${redactAddress(text)}" is not a time; write it like 7d, 12h or 2026-03-01`)
  const ago = days === undefined ? parseDuration(text, '--since') : days * 24 * HOUR_MS
  const since = new Date(now.getTime() - ago)
  return Number.isNaN(since.getTime()) ? undefined : since
}

/** The 31st of February would be taken for a day of March. */
const isOfCalendar = (day: string): boolean => new Date(day).toISOString().startsWith(day)

/** @throws HoldfastError (usage) for what is no percentage, or for a service that there is none of. */
export function demandsOf(values: Values, ci: boolean): Demands {
  const limits = (['skip', 'stand-in'] as const).flatMap(decision =>
    values
      .list(`max-${decision}-rate`)
      .flatMap(list => list.split(','))
      .map(text => limitOf(decision, text.trim())),
  )
  const required = values
    .list('require')
    .flatMap(list => list.split(','))
    .map(name => nameOf(name.trim()))
  return { limits, required: [...new Set(required)], ci }
}

/** A target may have any name; one that is wrong has no decisions, and fails. */
function nameOf(name: string): string {
  if (/^[\w.-]+$/.test(name)) return name
  throw usage(`--require: "${redactAddress(name)}" is not the name of a service or target, like postgres`)
}

function limitOf(decision: Limit['decision'], text: string): Limit {
  const option = `--max-${decision}-rate`
  const [, service, number = ''] = /^(?:([^=]*)=)?(.*)$/s.exec(text) ?? []
  const percent = Number(/^(\d{1,3}(?:\.\d+)?)%$/.exec(number)?.[1] ?? Number.NaN)
  if (Number.isNaN(percent) || percent > 100) {
    const hint = /^\d{1,3}(\.\d+)?$/.test(number) && Number(number) <= 100 ? `; did you mean ${number}%?` : ''
    throw usage(
      `${option}: "${redactAddress(number)}" is not a percentage from 0% to 100%${hint || ', like 10% or postgres=10%'}`,
    )
  }
  return { decision, percent, ...(service === undefined ? {} : { service: known(service, option) }) }
}

function known(name: string, option: string): string {
  const services = [...new Set([...SCHEMES.values()].map(({ service }) => service))]
  if (services.includes(name)) return name
  const near = nearest(name, services)
  throw usage(
    `${option}: "${redactAddress(name)}" is not a service; ${near ? `did you mean ${near}?` : `known: ${services.join(', ')}`}`,
  )
}
