import type { TargetConfig } from '../config/config.js'
import { HoldfastError } from '../core/errors.js'
import { Secret } from '../core/redact.js'
import type { Expectation } from '../core/service.js'
import type { Env } from '../gate/variables.js'
import { type Configured, type Entry, fromAddress, misfit, type Parser } from './wanted.js'

/** What the configuration says of each target; an entry throws where it cannot be used. */
export const configured = (
  targets: Readonly<Record<string, string | TargetConfig>>,
  parse: Parser,
  env: Env,
): Configured =>
  new Map(Object.entries(targets).map(([name, given]) => [name, () => fromConfig(name, given, parse, env)]))

function fromConfig(name: string, given: string | TargetConfig, parse: Parser, env: Env): Entry {
  const { url, until, query, schema, status, body, pool } = typeof given === 'string' ? { url: given } : given
  const wanted = fromAddress(url, `configuration: ${name}`, name, parse, env)
  if (wanted.target.service !== 'http' && (status !== undefined || body !== undefined)) {
    throw misfit(name, wanted.target, 'status or body')
  }
  if (status !== undefined && !STATUSES.test(String(status))) {
    throw new HoldfastError('config', `targets.${name}.status: "${status}" is not a list like 200-299,304`)
  }
  const params = new Map(wanted.target.params)
  if (status !== undefined) params.set('status', new Secret(String(status)))
  if (body !== undefined) params.set('body', new Secret(body))
  return {
    ...wanted,
    target: { ...wanted.target, params },
    named: true,
    ...(until ? { until } : {}),
    ...(query ? { queries: [query].flat() } : {}),
    ...(schema ? { expect: schema as Expectation } : {}),
    ...(pool ? { pool } : {}),
  }
}

const STATUSES = /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/
