import { nearest } from '../../core/errors.js'

/** Names that node-postgres and others have for what has another one here, or a place elsewhere. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['host', 'port', 'user', 'database'].map(key => [key, 'it is part of the address'])),
  connectionString: "it is the first argument: createPool('postgres://app@db:5432/app', options)",
  connectionTimeoutMillis: 'here it is connectTimeoutMillis, and acquireTimeoutMillis for the whole wait',
  options: 'it is a parameter of the address: ?options=-c%20search_path%3Dapp',
  client_encoding: 'it is a parameter of the address',
  fallback_application_name: 'it is a parameter of the address; application_name is an option',
  keepAlive: 'it is always on; see keepAliveInitialDelayMillis',
  poolSize: 'it is max',
  connectionLimit: 'it is max',
  onConnect: "it is pool.on('connect', client => …)",
  verify: 'it is validationQuery',
  log: 'see the events of the pool, and its state()',
  Client: 'the pool has its own',
  Promise: 'promises are those of the language',
}

const squashed = (name: string) => name.replace(/_|Millis$|Ms$|Seconds$/g, '').toLowerCase()

/** What to write in place of an option that is not known. */
export function insteadOf(key: string, known: readonly string[]): string {
  if (Object.hasOwn(ELSEWHERE, key)) return ELSEWHERE[key] as string
  const near = known.find(one => squashed(one) === squashed(key)) ?? nearest(key, known)
  return near ? `did you mean ${near}?` : 'all are in the type PoolOptions, and in docs/client.md'
}
