import { resolve } from 'node:path'
import { usage } from '../core/errors.js'
import { parseDuration } from '../core/options.js'
import { redactAddress } from '../core/redact.js'
import type { Env } from '../gate/variables.js'

/** What options say; each undefined where none is given. */
export interface Wishes {
  readonly targets?: readonly string[]
  readonly configFile?: string | undefined
  readonly services?: readonly string[] | undefined
  readonly needs?: readonly string[] | undefined
  readonly allowStandIn?: boolean | undefined
  readonly allowSkip?: boolean | undefined
  /** Services or targets of which nothing but the real one will do; `all`. */
  readonly require?: readonly string[] | undefined
  readonly timeoutMs?: number | undefined
  readonly attemptTimeoutMs?: number | undefined
}

/**
 * With what the variables of `holdfast test` say where an option is silent: HOLDFAST_ALLOW_SKIP for `--allow-skip`, and so
 * on. For callers without a command line, too.
 */
export function withVariables(wishes: Wishes, env: Env): Wishes {
  const list = (text: string | undefined) => (text ? [text] : undefined)
  const duration = (variable: string) => {
    const text = env[variable]
    return text ? parseDuration(text, variable) : undefined
  }
  return {
    ...wishes,
    configFile: wishes.configFile ?? (env.HOLDFAST_CONFIG || undefined),
    services: wishes.services ?? list(env.HOLDFAST_SERVICE),
    needs: wishes.needs ?? list(env.HOLDFAST_NEEDS),
    allowStandIn: wishes.allowStandIn ?? yesOrNo(env, 'HOLDFAST_ALLOW_STAND_IN'),
    allowSkip: wishes.allowSkip ?? yesOrNo(env, 'HOLDFAST_ALLOW_SKIP'),
    timeoutMs: wishes.timeoutMs ?? duration('HOLDFAST_TIMEOUT'),
    attemptTimeoutMs: wishes.attemptTimeoutMs ?? duration('HOLDFAST_ATTEMPT_TIMEOUT'),
  }
}

/** What options said, as the variables by which the adapters below a run hear it; `withVariables` reads them. */
export function handedWishes(wishes: Wishes, env: Env): Record<string, string> {
  const list = (texts: readonly (string | undefined)[] = []) => texts.filter(Boolean).join(',')
  const yes = (value: boolean | undefined) => (value === undefined ? '' : value ? '1' : '0')
  const duration = (ms: number | undefined) => (ms === undefined ? '' : `${ms}ms`)
  const all = {
    HOLDFAST_CONFIG: wishes.configFile ? resolve(wishes.configFile) : '',
    HOLDFAST_REQUIRE: list([...(wishes.require ?? []), env.HOLDFAST_REQUIRE]),
    HOLDFAST_NEEDS: list(wishes.needs),
    HOLDFAST_ALLOW_STAND_IN: yes(wishes.allowStandIn),
    HOLDFAST_ALLOW_SKIP: yes(wishes.allowSkip),
    HOLDFAST_TIMEOUT: duration(wishes.timeoutMs),
    HOLDFAST_ATTEMPT_TIMEOUT: duration(wishes.attemptTimeoutMs),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ''))
}

/** @throws HoldfastError (usage) for a value that is neither yes nor no. */
export function yesOrNo(env: Env, variable: string): boolean | undefined {
  const value = env[variable]
  if (!value) return undefined
  if (/^(1|true|yes|on)$/i.test(value)) return true
  if (/^(0|false|no|off)$/i.test(value)) return false
  throw usage(`${variable}: "${redactAddress(value)}" is not true or false`)
}
