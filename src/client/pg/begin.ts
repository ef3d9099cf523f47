import { nearest, usage } from '../../core/errors.js'
import type { Isolation, RetryOptions, TransactionOptions } from './types.js'

const KNOWN: readonly (keyof TransactionOptions)[] = [
  'isolation',
  'readOnly',
  'deferrable',
  'retry',
  'signal',
  'resolve',
  'resolveTimeoutMillis',
]

const ISOLATIONS: readonly Isolation[] = ['read committed', 'repeatable read', 'serializable']

/** Throws a usage error that names the option and its value. */
export function checkTransaction(options: TransactionOptions): void {
  for (const key of Object.keys(options)) unknown('transaction()', key, KNOWN)
  const { isolation, retry, resolve, resolveTimeoutMillis: limit } = options
  if (isolation !== undefined && !ISOLATIONS.includes(isolation))
    throw usage(`transaction(): isolation: ${shown(isolation)} is none of ${ISOLATIONS.join(', ')}`)
  if (typeof retry === 'object' && retry !== null) checkRetry('transaction(): retry', retry)
  else if (retry !== undefined && typeof retry !== 'boolean')
    throw usage(`transaction(): retry: ${shown(retry)} is neither true, false nor { attempts, delayMillis }`)
  if (resolve !== undefined && typeof resolve?.ask !== 'function')
    throw usage('transaction(): resolve has no function `ask`. Give it txidStatus() or commitTokens().')
  if (limit !== undefined && !(limit > 0))
    throw usage(`transaction(): resolveTimeoutMillis: ${shown(limit)} is not a time in milliseconds`)
}

export function checkRetry(where: string, { attempts = 1, delayMillis = 0, ...rest }: RetryOptions): void {
  for (const key of Object.keys(rest)) unknown(where, key, ['attempts', 'delayMillis'])
  if (!Number.isInteger(attempts) || attempts < 1)
    throw usage(`${where}.attempts: ${shown(attempts)} is not a whole number from 1`)
  if (!(delayMillis >= 0 && Number.isFinite(delayMillis)))
    throw usage(`${where}.delayMillis: ${shown(delayMillis)} is not a time in milliseconds`)
}

function unknown(where: string, key: string, known: readonly string[]): void {
  if (known.includes(key)) return
  const near = nearest(key, known)
  throw usage(
    `${where} has no option "${key}". ${near ? `Did you mean ${near}?` : `It has ${known.join(', ')}.`}`,
  )
}

const shown = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : String(value))

/** BEGIN, with what holds in this transaction only. Source: PostgreSQL manual, BEGIN and SET TRANSACTION. */
export function beginning(
  { isolation, readOnly, deferrable }: TransactionOptions,
  localSettings: string | undefined,
): string {
  const modes = [
    isolation && `ISOLATION LEVEL ${isolation.toUpperCase()}`,
    readOnly !== undefined && (readOnly ? 'READ ONLY' : 'READ WRITE'),
    deferrable !== undefined && (deferrable ? 'DEFERRABLE' : 'NOT DEFERRABLE'),
  ].filter(Boolean)
  const begin = ['BEGIN', modes.join(', ')].filter(Boolean).join(' ')
  return localSettings ? `${begin}; ${localSettings}` : begin
}
