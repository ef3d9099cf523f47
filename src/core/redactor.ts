import { isOpenParameter, Secret, scrub } from './redact.js'
import type { Target } from './target.js'

/** A function that hides this target's secrets in any text. The only redactor besides `redactAddress`. */
export function redactorOf(target: Target): (text: string) => string {
  const { service, password, tls } = target
  const login = service === 'http' ? partsOf(password) : [password]
  const hidden = [...login, tls.keyPassword, ...hiddenParams(target)].filter(secret => secret !== undefined)
  const open = [
    target.user,
    target.database,
    ...target.hosts.map(host => ('host' in host ? host.host : host.path)),
  ]
  return text => scrub(text, hidden, open)
}

function partsOf(credentials: Secret | undefined): Secret[] {
  const text = credentials?.reveal() ?? ''
  const colon = text.indexOf(':')
  const parts = [text, text.replace(/:$/, ''), text.slice(0, colon), text.slice(colon + 1)]
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

/** What may be a secret in a command line: every argument, with and without quotes, and what is assigned in it. */
function* argumentsOf(command: string): Iterable<string> {
  const words = command.match(/(?:'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\\[\s\S]|[^\s'"\\]|['"\\])+/g) ?? []
  const program = words.findIndex(word => !/^\w+=/.test(word))
  for (const [i, word] of words.entries()) {
    const bare = word.replace(/\\([\s\S])|['"]/g, '$1')
    const value = /[=:]([\s\S]*)$/.exec(bare)?.[1]
    if (i !== program) yield* [word, bare]
    if (value) yield value
  }
}
