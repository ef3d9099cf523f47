import { usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import { redactAddress } from '../core/redact.js'
import type { Env } from '../gate/variables.js'
import type { Wishes } from './plan.js'

/** The options of `holdfast test` as its variables give them: `HOLDFAST_ALLOW_SKIP=1`, `HOLDFAST_TIMEOUT=5s`. */
export function wishesIn(env: Env): Wishes {
  const duration = (name: string) => (env[name] ? parseDuration(env[name], name) : undefined)
  const list = (name: string) => (env[name] ? [env[name]] : undefined)
  return {
    configFile: env.HOLDFAST_CONFIG || undefined,
    services: list('HOLDFAST_SERVICE'),
    needs: list('HOLDFAST_NEEDS'),
    allowStandIn: flag(env, 'HOLDFAST_ALLOW_STAND_IN'),
    allowSkip: flag(env, 'HOLDFAST_ALLOW_SKIP'),
    timeoutMs: duration('HOLDFAST_TIMEOUT'),
    attemptTimeoutMs: duration('HOLDFAST_ATTEMPT_TIMEOUT'),
  }
}

function flag(env: Env, name: string): boolean | undefined {
  const value = env[name]
  if (!value || /^(0|false|no|off)$/i.test(value)) return undefined
  if (/^(1|true|yes|on)$/i.test(value)) return true
  throw usage(`${name}: "${redactAddress(value)}" is not true or false`)
}
