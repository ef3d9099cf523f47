import { Secret } from './redact.js'

/** libpq's `sslmode` values, which holdfast uses for every service. Source: PostgreSQL manual, 34.19.1. */
export const TLS_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const
export type TlsMode = (typeof TLS_MODES)[number]

export interface TlsSettings {
  readonly mode: TlsMode
  /** File with the authorities to trust, or `system`. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly keyPassword?: Secret
  readonly sni: boolean
  /** TLS from the first byte, instead of after a request inside the protocol. */
  readonly direct: boolean
}

/** The settings by an address' parameters; `fallback` is the mode where they name none. */
export function tlsOf(
  fallback: TlsMode | undefined,
  get: (key: string) => string | undefined,
  bad: (what: string) => Error,
): TlsSettings {
  const named =
    get('sslmode') ??
    ({ true: 'require', '1': 'require', false: 'disable', '0': 'disable' } as Record<string, string>)[
      get('ssl') ?? ''
    ]
  // libpq 16: the system's authorities are for servers with names of their own.
  const usual = get('sslrootcert') === 'system' ? 'verify-full' : fallback
  const mode = (named ?? usual ?? 'disable') as TlsMode
  if (!TLS_MODES.includes(mode)) throw bad(`sslmode "${mode}" is not one of ${TLS_MODES.join(', ')}`)
  const negotiation = get('sslnegotiation') ?? 'postgres'
  if (!['postgres', 'direct'].includes(negotiation))
    throw bad(`sslnegotiation "${negotiation}" is not postgres or direct`)
  const [ca, cert, key, keyPassword] = [get('sslrootcert'), get('sslcert'), get('sslkey'), get('sslpassword')]
  return {
    mode,
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(keyPassword ? { keyPassword: new Secret(keyPassword) } : {}),
    sni: get('sslsni') !== '0',
    direct: negotiation === 'direct',
  }
}
