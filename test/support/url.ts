/** Parts of a service's address as they are, before any encoding. */
export interface UrlParts {
  scheme?: string
  /** An absolute path means a Unix socket in that folder. */
  host?: string
  port?: number
  /** null leaves it out. */
  user?: string | null
  password?: string | null
  database?: string | null
  query?: Record<string, string>
}

/** Puts an address together with every part percent-encoded. */
export function buildUrl(parts: UrlParts & { scheme: string; host: string; port: number }): string {
  const { scheme, host, port, user, password, database } = parts
  const secret = password == null ? '' : `:${encodeURIComponent(password)}`
  const who = user == null && password == null ? '' : `${encodeURIComponent(user ?? '')}${secret}@`
  const socket = host.startsWith('/')
  const where = socket ? '' : `${host.includes(':') ? `[${host}]` : host}:${port}`
  const query = new URLSearchParams({
    ...(socket ? { host, port: String(port) } : {}),
    ...parts.query,
  })
    .toString()
    .replaceAll('+', '%20')
  const path = database == null ? '' : `/${encodeURIComponent(database)}`
  return `${scheme}://${who}${where}${path}${query ? `?${query}` : ''}`
}
