import type { DatabaseAddress } from '../../isolate/client.js'

/** A database's address in the forms that programs read. */
export interface Address {
  readonly url: string
  /** DATABASE_URL, and libpq's variables. */
  readonly env: Readonly<Record<string, string>>
}

/** `options` is libpq's: what the server sets for each session. */
export function addressOf(
  { host, port, username, password, database, additionalParams = {} }: DatabaseAddress,
  options?: string,
): Address {
  const socket = host.startsWith('/')
  const authority = socket ? '' : `${host.includes(':') ? `[${host}]` : host}:${port}`
  const query = new URLSearchParams({
    ...(socket ? { host, port: String(port) } : {}),
    ...additionalParams,
  }).toString()
  const set = options ? `options=${encodeURIComponent(options)}` : ''
  const more = [query, set].filter(Boolean).join('&')
  const user = `${encodeURIComponent(username)}${password ? `:${encodeURIComponent(password)}` : ''}`
  const url = `postgres://${user}@${authority}/${encodeURIComponent(database)}${more && `?${more}`}`
  const { sslmode, sslrootcert } = additionalParams
  return {
    url,
    env: {
      DATABASE_URL: url,
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: username,
      ...(password ? { PGPASSWORD: password } : {}),
      PGDATABASE: database,
      ...(sslmode ? { PGSSLMODE: sslmode } : {}),
      ...(sslrootcert ? { PGSSLROOTCERT: sslrootcert } : {}),
      ...(options ? { PGOPTIONS: options } : {}),
    },
  }
}
