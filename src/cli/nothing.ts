import { type HoldfastError, usage } from '../core/errors.js'

/** What a verb that found no target says; `rest` follows the example's address. */
export const noTarget = (verb: string, rest = ''): HoldfastError =>
  usage(
    `no target: none is given, no configuration names one, and the environment has no DATABASE_URL, REDIS_URL, PGHOST or DB_HOST. Try: holdfast ${verb} postgres://app@db:5432/app${rest}`,
  )

export const noTime = (option: string): HoldfastError =>
  usage(
    `--${option}: "0" leaves no time${option === 'timeout' ? '; use --once for a single attempt' : ' for an attempt'}`,
  )
