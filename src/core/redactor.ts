import { isOpenParameter, Secret, scrub } from './redact.js'
import type { Target } from './target.js'

/** A function that hides this target's secrets in any text. The only redactor besides `redactAddress`. */
export function redactorOf(target: Target): (text: string) => string {
  const { service, password, tls } = target
  // A user alone is a token there.
  const token =
    !password && target.user && /^(nats|mqtt)$/.test(service) ? new Secret(target.user) : undefined
  const login =
    service === 'http' ? partsOf(password) : service === 'clickhouse' ? withBasic(target) : [password]
  const own = target.hosts.map(host => host.password)
  const hidden = [...login, ...own, token, tls.keyPassword, ...hiddenParams(target)].filter(
    secret => secret !== undefined,
  )
  const open = [
    token ? undefined : target.user,
    target.database,
    ...target.hosts.map(host => ('host' in host ? host.host : host.path)),
  ]
  return text => scrub(text, hidden, open)
}

/** The password, and with its user as a header may hold them. */
function withBasic({ user = 'default', password }: Target): (Secret | undefined)[] {
  if (!password) return []
  const pair = new TextEncoder().encode(`${user}:${password.reveal()}`)
  return [password, new Secret(btoa(String.fromCharCode(...pair)))]
}

function partsOf(credentials: Secret | undefined): Secret[] {
  const text = credentials?.reveal() ?? ''
  const colon = text.indexOf(':')
  const header = btoa(String.fromCharCode(...new TextEncoder().encode(text)))
  const parts = [text, header, text.replace(/:$/, ''), text.slice(0, colon), text.slice(colon + 1)]
  return parts.map(part => new Secret(part))
}

function* hiddenParams(target: Target): Iterable<Secret> {
  for (const [key, value] of target.params) if (!isOpenParameter(key)) yield value
  const location = target.location?.reveal() ?? ''
  if (target.service === 'exec') for (const word of argumentsOf(location)) yield new Secret(word)
  else
    for (const [, key = '', value] of location.matchAll(/[?&]([^=&]*)=?([^&]*)/g))
      yield new Secret(value || key)
}

/** Words of the shell, which no secret is, and which our own sentences use. */
const SHELL = new Set(
  'break case done echo elif else esac eval exec exit false return sleep test then trap true until while'.split(
    ' ',
  ),
)

/**
 * What may be a secret in a command line: every argument, with and without quotes, what is assigned in it, the password
 * of an address, and the same of a command line inside it.
 */
function* argumentsOf(command: string): Iterable<string> {
  const words = command.match(/(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\]|['"\\])+/g) ?? []
  const program = words.findIndex(word => !/^\w+=/.test(word))
  for (const [i, word] of words.entries()) {
    const bare = unquoted(word)
    const value = /[=:]([\s\S]*)$/.exec(bare)?.[1]
    const password = /:\/\/[^/@]*?:([^@]*)@/.exec(bare)?.[1]
    if (i !== program && !SHELL.has(bare)) yield* [word, bare]
    if (value) yield value
    if (password) yield password
    if (/\s/.test(bare) && bare !== command) yield* argumentsOf(bare)
  }
}

/** A word as the shell hands it on. */
const unquoted = (word: string): string =>
  word.replace(
    /'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|\\([\s\S])|['"]/g,
    (_, single?: string, double?: string, escaped?: string) =>
      single ?? double?.replace(/\\([\\"$`])/g, '$1') ?? escaped ?? '',
  )
