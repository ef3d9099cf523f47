import { nearest } from './errors.js'

/** libpq's connection parameters. Source: PostgreSQL manual, section 34.1.2. */
export const KEYWORDS = [
  'application_name channel_binding client_encoding connect_timeout dbname fallback_application_name',
  'gssdelegation gssencmode gsslib host hostaddr keepalives keepalives_count keepalives_idle',
  'keepalives_interval krbsrvname load_balance_hosts max_protocol_version min_protocol_version options',
  'passfile password port replication require_auth requirepeer requiressl scram_client_key',
  'scram_server_key service ssl_max_protocol_version ssl_min_protocol_version sslcert sslcertmode',
  'sslcompression sslcrl sslcrldir sslkey sslkeylogfile sslmode sslnegotiation sslpassword sslrootcert',
  'sslsni target_session_attrs tcp_user_timeout user',
].flatMap(names => names.split(' '))

const KNOWN = new Set([...KEYWORDS, 'db', 'ssl', 'ssl-mode', 'ssl-ca', 'status', 'body'])

/** Is it one of libpq's, or one that holdfast takes besides? */
export const isKeyword = (key: string): boolean => KNOWN.has(key)

export function unknownKeyword(key: string): string {
  const near = nearest(key, KEYWORDS)
  return `"${key}" is no connection parameter${near ? `; did you mean ${near}?` : ''}`
}
