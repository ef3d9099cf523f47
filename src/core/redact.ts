const MASK = '***'
const INSPECT = Symbol.for('nodejs.util.inspect.custom')

/** A value that no printer shows: JSON, string conversion and util.inspect all give `***`. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toJSON(): string {
    return MASK
  }
  toString(): string {
    return MASK
  }
  [INSPECT](): string {
    return MASK
  }
}

/** Query parameters whose values are shown; the value of any other parameter is taken for a secret. */
const OPEN_PARAMETERS = new Set(
  `application_name channel_binding connect_timeout db dbname fallback_application_name gssencmode host hostaddr
  load_balance_hosts options port require_auth role schema sslcert sslcertmode sslcrl sslkey sslmode sslnegotiation
  sslrootcert sslsni ssl_min_protocol_version ssl_max_protocol_version target_session_attrs tls user`.split(
    /\s+/,
  ),
)

export const isOpenParameter = (key: string): boolean => OPEN_PARAMETERS.has(key.toLowerCase())

/** Schemes whose user part alone is a token. */
const TOKEN_USER = /^(https?|nats|mqtts?)$/

/** An address as it may be printed: no password, no token, no value of an unknown parameter, no fragment. */
export function redactAddress(text: string): string {
  if (/^exec:/i.test(text))
    return text.replace(/^(exec:\s*\S+)(\s+[\s\S]*)?$/i, (_, head, rest) => (rest ? `${head} …` : head))
  const url = /^([a-z][a-z0-9+.-]*):\/\/([\s\S]*)$/i.exec(text)
  if (!url) return redactPairs(text)
  const [, scheme = '', rest = ''] = url
  const at = rest.search(/[?#]/)
  const [head, tail] = at < 0 ? [rest, ''] : [rest.slice(0, at), rest.slice(at)]
  const end = head.indexOf('/')
  const sign = (end < 0 ? head : head.slice(0, end)).lastIndexOf('@')
  // An @ later than the authority means a password with a bare slash: hide all up to the last @.
  const last = sign < 0 ? head.lastIndexOf('@') : sign
  const hidden = last < 0 ? strayAt(tail) : undefined
  if (hidden !== undefined) return `${scheme}://${MASK}@${hidden}`
  const user = last < 0 ? '' : userShown(scheme, head.slice(0, last))
  return `${scheme}://${user}${head.slice(last + 1)}${redactQuery(tail)}`
}

function strayAt(tail: string): string | undefined {
  const query = /^\?[\w.-]+=/.test(tail)
  const at = tail.lastIndexOf('@')
  return at < 0 || query ? undefined : redactQuery(tail.slice(at + 1))
}

function userShown(scheme: string, userinfo: string): string {
  const colon = userinfo.indexOf(':')
  if (colon >= 0) return TOKEN_USER.test(scheme) ? `${MASK}:${MASK}@` : `${userinfo.slice(0, colon)}:${MASK}@`
  return TOKEN_USER.test(scheme) ? `${MASK}@` : `${userinfo}@`
}

function redactQuery(tail: string): string {
  const query = tail.replace(/#[\s\S]*$/, '')
  return query.replace(/([?&;])([^=&;]*)(=?)([^&;]*)/g, (_, mark, key, sign, value) =>
    sign ? `${mark}${key}=${isOpenParameter(key) ? value : MASK}` : `${mark}${key && MASK}`,
  )
}

const PAIR = /([\w.-]+)(\s*=\s*)('(?:\\[\s\S]|[^'\\])*'?|(?:\\[\s\S]|[^\s'\\])*)/g

function redactPairs(text: string): string {
  if (!text.includes('=')) return text.replace(/^[\s\S]*@/, `${MASK}@`)
  return text.replace(PAIR, (_, key, sign, value) => `${key}${sign}${isOpenParameter(key) ? value : MASK}`)
}

/** Shorter secrets are hidden in addresses only: replacing them everywhere would garble every message. */
const LEAST = 4

/** Hides every occurrence of the given secrets, also percent-encoded, in a text that came from elsewhere. */
export function scrub(
  text: string,
  secrets: readonly Secret[],
  open: readonly (string | undefined)[] = [],
): string {
  const forms = secrets
    .map(secret => secret.reveal())
    .filter(value => value.length >= LEAST && !open.includes(value))
    .flatMap(value => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .sort((a, b) => b.length - a.length)
  return forms.reduce((scrubbed, form) => scrubbed.replaceAll(form, MASK), text)
}

/** One line of an outsider's text: control and escape characters, and anything past `limit`, removed. */
export function plain(text: string, limit = 500): string {
  const line = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what removes them
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g, '')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
    .trim()
  return line.length > limit ? `${line.slice(0, limit)}…` : line
}
