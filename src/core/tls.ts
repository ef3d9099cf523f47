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

/** The settings by an address' parameters; the scheme's mode holds where they name none. */
export function tlsOf(
  scheme: { readonly service: string; readonly tls?: TlsMode },
  get: (key: string) => string | undefined,
  bad: (what: string) => Error,
): TlsSettings {
  const libpq = scheme.tls === 'prefer' && scheme.service !== 'nats'
  const switched = ['ssl', 'tls', 'ssl-mode']
    .map(key => switchedBy(key, get(key), libpq, bad))
    .find(mode => mode)
  const named = get('sslmode') ?? switched
  const file = ['sslrootcert', 'ssl-ca', 'sslcert', 'sslkey'].find(get)
  // libpq 16: the system's authorities are for servers with names of their own.
  const usual =
    get('sslrootcert') === 'system' || (file && !libpq && scheme.tls === 'prefer')
      ? 'verify-full'
      : scheme.tls
  const mode = (named ?? usual ?? 'disable') as TlsMode
  if (!TLS_MODES.includes(mode)) throw bad(`sslmode "${mode}" is not one of ${TLS_MODES.join(', ')}`)
  if (file && named === undefined && mode === 'disable')
    throw bad(`${file} is given, but nothing asks for TLS; add sslmode=verify-full`)
  const negotiation = get('sslnegotiation') ?? 'postgres'
  if (!['postgres', 'direct'].includes(negotiation))
    throw bad(`sslnegotiation "${negotiation}" is not postgres or direct`)
  const [ca, cert, key, keyPassword] = [
    get('sslrootcert') ?? get('ssl-ca'),
    get('sslcert'),
    get('sslkey'),
    get('sslpassword'),
  ]
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

/** What drivers write for `sslmode`: ssl=true, tls=skip-verify, ssl={"rejectUnauthorized":false}, MySQL's ssl-mode=REQUIRED. */
function switchedBy(
  key: string,
  value: string | undefined,
  libpq: boolean,
  bad: (what: string) => Error,
): string | undefined {
  if (value === undefined) return undefined
  const word = value.toLowerCase()
  if (/^(true|1|yes|on|t|)$/.test(word)) return libpq ? 'require' : 'verify-full'
  if (/^(false|0|no|off|f)$/.test(word)) return 'disable'
  if (word.startsWith('{')) return /"rejectunauthorized"\s*:\s*false/.test(word) ? 'require' : 'verify-full'
  const mode = MODES[word] ?? word.replace('_', '-')
  if ((TLS_MODES as readonly string[]).includes(mode)) return mode
  throw bad(`${key} "${value}" is not true or false; write sslmode=${TLS_MODES.join('|')}`)
}

const MODES: Readonly<Record<string, string>> = {
  'skip-verify': 'require',
  preferred: 'prefer',
  disabled: 'disable',
  required: 'require',
  verify_identity: 'verify-full',
}
