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
  [
    'application_name channel_binding connect_timeout db dbname fallback_application_name gssencmode host hostaddr',
    'load_balance_hosts options passfile port require_auth role schema service sslcert sslcertmode sslcrl sslkey sslmode sslnegotiation',
    'creds inboxprefix jetstream protocolversion topic',
    'sslrootcert sslsni ssl_min_protocol_version ssl_max_protocol_version status target_session_attrs tls user',
    'appname authmechanism authsource directconnection readpreference replicaset ssl tlsallowinvalidcertificates',
    'tlsallowinvalidhostnames tlscafile tlscertificatekeyfile tlsinsecure saslmechanism srvservicename',
  ].flatMap(names => names.split(' ')),
)

export const isOpenParameter = (key: string): boolean => OPEN_PARAMETERS.has(key.toLowerCase())

/** Schemes whose user part alone is a token. */
const TOKEN_USER = /^(https?|nats(\+tls)?|mqtts?)$/i

/** An address as it may be printed: no password, no token, no value of an unknown parameter, no fragment. */
export function redactAddress(text: string): string {
  const command = /^(\s*exec:\s*)([\s\S]*)$/i.exec(text)
  if (command) return `${command[1]}${programShown(command[2] ?? '')}`
  const url = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([\s\S]*)$/.exec(text)
  if (!url) return redactPairs(text)
  const [, scheme = '', rest = ''] = url
  const end = endOfUser(rest)
  return `${scheme}://${end < 0 ? '' : userShown(scheme, rest.slice(0, end))}${redactPlace(rest.slice(end + 1), scheme)}`
}

/**
 * Where the user part of what follows `scheme://` ends, or -1. An @ later than the authority counts, too: it
 * means a password with a bare slash, question mark or hash.
 */
export function endOfUser(rest: string): number {
  const [, authority = '', path = '', tail = ''] = /^([^/?#]*)([^?#]*)([\s\S]*)$/.exec(rest) ?? []
  const key = /^[?#]([\w.-]+)=/.exec(tail)?.[1]
  // Behind a password even what looks like a query may be the rest of it, once an @ follows.
  const doubtful = /:[\s\S]*@/.test(authority) && tail.includes('@') && !isOpenParameter(key ?? '')
  const isQuery = key && !doubtful && isPlace(authority.slice(authority.lastIndexOf('@') + 1))
  return (isQuery ? authority + path : rest).lastIndexOf('@')
}

const isPlace = (hosts: string): boolean =>
  hosts.split(',').every(host => /^(\[[^\]]*\]|[^:[\]]*)(:\d*)?$|^[0-9A-Fa-f:.]+$/.test(host))

/** Host, path and query. What follows a colon and is no port is taken for a password whose host is missing. */
function redactPlace(place: string, scheme: string): string {
  const [, hosts = '', path = '', tail = ''] = /^([^/?#]*)([^?#]*)([\s\S]*)$/.exec(place) ?? []
  if (!isPlace(hosts)) return `${place.replace(/:[\s\S]*$/, '')}:${MASK}`
  // An address in an address: where its own parts end is anyone's guess.
  if (/:\/\/|%3[adf]/i.test(path)) return `${hosts}/${MASK}`
  return `${hosts}${path}${redactQuery(tail, TOKEN_USER.test(scheme))}`
}

function userShown(scheme: string, userinfo: string): string {
  const colon = userinfo.indexOf(':')
  const stray = /[/?#]|%3a/i.test(colon < 0 ? userinfo : userinfo.slice(0, colon))
  if (colon < 0) return stray || TOKEN_USER.test(scheme) ? `${MASK}@` : `${userinfo}@`
  return stray || TOKEN_USER.test(scheme) ? `${MASK}:${MASK}@` : `${userinfo.slice(0, colon)}:${MASK}@`
}

function redactQuery(tail: string, userIsToken: boolean): string {
  const query = tail.replace(/#[\s\S]*$/, '').slice(1)
  const redact = (pair: string) => redactParameter(pair, userIsToken)
  return query && `?${query.split('&').map(redact).join('&')}`
}

function redactParameter(pair: string, userIsToken: boolean): string {
  const sign = pair.indexOf('=')
  if (sign < 0) return pair && MASK
  const key = pair.slice(0, sign)
  if (!isOpenParameter(key) || (userIsToken && /^user$/i.test(key))) return `${key}=${MASK}`
  // Some write ; or another ? between parameters.
  const value = pair.slice(sign + 1)
  const rest = (_: string, mark: string, more: string) => mark + redactParameter(more, userIsToken)
  return `${key}=${value.replace(/([;?])([^;?]*)/g, rest)}`
}

/** The program of a command line: arguments may be secrets, and so may what is assigned before it. */
function programShown(command: string): string {
  const [, word = '', more = ''] = /^(\S*)([\s\S]*)$/.exec(command) ?? []
  const sign = word.indexOf('=')
  return `${sign < 0 ? word : `${word.slice(0, sign)}=${MASK}`}${more.trim() && ' …'}`
}

const PAIR = /(\s*)([A-Za-z_]\w*)(\s*=\s*)('(?:\\[\s\S]|[^'\\])*'|(?!')(?:\\[\s\S]|[^\s\\])*)(?=\s|$)/y

/** `NAME=URL`, a connection string of pairs, or what is neither. */
function redactPairs(text: string): string {
  if (/^env:\w*$/i.test(text)) return text
  const named = /^(\s*[\w.-]+\s*=\s*)((?:[a-z][a-z0-9+.-]*:\/\/|exec:)[\s\S]*)$/i.exec(text)
  if (named && !/pass|secret|token/i.test(named[1] ?? ''))
    return `${named[1]}${redactAddress(named[2] ?? '')}`
  if (!/^\s*[A-Za-z_]\w*\s*=/.test(text)) {
    const place = text.replace(/^[\s\S]*@/, `${MASK}@`)
    return place.includes('=') ? place.replace(/=[\s\S]*$/, `=${MASK}`) : redactPlace(place, '')
  }
  let shown = ''
  let at = 0
  while (at < text.length) {
    PAIR.lastIndex = at
    const [pair = '', space, key = '', sign, value = ''] = PAIR.exec(text) ?? []
    // What is no pair may be the rest of a password that was not quoted.
    if (!key) return `${shown}${text.slice(at).trim() && ' …'}`
    at += pair.length
    const open = value.includes('://') ? redactAddress(value) : value
    shown += `${space}${key}${sign}${isOpenParameter(key) && !value.includes(';') ? open : MASK}`
  }
  return shown
}

/** A path of a file as it may be printed; an address may have been given for it by mistake. */
export const redactPath = (path: string): string =>
  path.includes('@') || /:\/\/?/.test(path) ? redactAddress(path) : path

/** Shorter secrets are hidden in addresses only: replacing them everywhere would garble every message. */
export const LEAST = 4

/** Hides every occurrence of the given secrets, also percent-encoded, in a text that came from elsewhere. */
export function scrub(
  text: string,
  secrets: readonly Secret[],
  open: readonly (string | undefined)[] = [],
): string {
  const forms = secrets
    .map(secret => secret.reveal())
    .filter(value => value.length >= LEAST && !open.includes(value))
    .flatMap(formsOf)
    .sort((a, b) => b.length - a.length)
  return forms.reduce((scrubbed, form) => scrubbed.replaceAll(form, MASK), text)
}

/** As it is and percent-decoded, each also percent-encoded with either case of digits, and inside JSON. */
export function formsOf(secret: string): string[] {
  const forms = [secret, secret.trim(), attempt(decodeURIComponent, secret)].flatMap(value => {
    const encoded = attempt(encodeURIComponent, value)
    const lower = encoded.replace(/%../g, digits => digits.toLowerCase())
    return [value, encoded, lower, JSON.stringify(value).slice(1, -1)]
  })
  return [...new Set(forms)].filter(form => form.length >= LEAST)
}

/** Half of a surrogate pair cannot be encoded, and not every % can be decoded. */
function attempt(convert: (value: string) => string, value: string): string {
  try {
    return convert(value)
  } catch {
    return value
  }
}

/** One line of an outsider's text: control and escape characters, and anything past `limit`, removed. */
export function plain(text: string, limit = 500): string {
  const line = (/^[\x20-\x7e]*$/.test(text) ? text : visible(text)).trim()
  return line.length > limit ? `${line.slice(0, limit)}…` : line
}

/** Apart, because the classes of Unicode take long to compile. */
const visible = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what removes them
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g, '')
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
