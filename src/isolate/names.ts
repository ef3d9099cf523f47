import { createHash, randomBytes } from 'node:crypto'

/** Every database and schema that holdfast makes has a name that starts so. */
export const PREFIX = 'holdfast_'

const digest = (...parts: readonly string[]) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')

/** A template belongs to a role: another one could neither copy nor drop it. */
export const templateName = (hash: string, role: string): string =>
  `${PREFIX}t_${digest(hash, role).slice(0, 32)}`

/** `n` of what one process makes; `c` for a clone, `s` for a schema. */
export const runName = (kind: 'c' | 's', run: string, n: number): string => `${PREFIX}${kind}_${run}_${n}`

/** Tells what processes make at the same time apart. */
export const newRun = (): string => randomBytes(6).toString('hex')

/** The key of a template's advisory lock, for `pg_advisory_lock(bigint)`. */
export const lockKey = (template: string): string =>
  BigInt(`0x${digest('holdfast isolation', template).slice(0, 15)}`).toString()

/** A quoted identifier. */
export const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`
