import { redactAddress, Secret, scrub } from '../../core/redact.js'
import { appsOf, environmentOf, type Project, serversOf } from './project.js'

const MASK = '***'
const SOUNDS = /pass|pwd|secret|token|credential|api_?key|private_?key/i
/** Variables whose values nobody should see. `POSTGRES_PASSWORD_FILE` names a file. */
const isSecret = (name: string): boolean => SOUNDS.test(name) && !/_(file|path)$/i.test(name)

/** What stands between a name and its value; an option's also as two words of a list. */
const SIGN = /["']?\s*[:=]\s*/y
const OPTION_SIGN = /["']?(?:\s*[:=]|[\s,])\s*/y
/** `mysql -pWORD`, `redis-cli -a WORD`. */
const LOGINS: readonly (readonly [client: RegExp, option: RegExp])[] = [
  [/\b(?:mysql|mariadb)/, /[\s"']-p(?=\S)/g],
  [/\bredis-cli\b/, /[\s"'](?:-a|--pass)["']?[\s,]+/g],
]
/** What only names a variable, up to what ends a value; a client's variable may also stand before its command. */
const REFERENCE =
  /\\?["']?(?:\$\$?(?:\w+|\{\w+(?::?\?[^}]*)?\})|\$\$?\(cat \\?"?\$\$?\w+\\?"?\)|\$\{\{[^}]*\}\})\\?["']?/y
const END = /\s*(?:$|[,}\]"']|#)/y
const CLIENTS = /^(PGPASSWORD|MYSQL_PWD|REDISCLI_AUTH)$/
/** What init itself writes of a variable. */
const TYPE = /\{ (?:type|required): [\w:, ]*\}/y

/** What is known to be secret, and what is not although a secret is the same word: `postgres`. */
export interface Secrets {
  readonly hidden: readonly Secret[]
  readonly open: readonly string[]
}

/** What the tree's variables hold under names that sound secret. */
export function secretsOf({ tree, compose, variables }: Project): Secrets {
  const services = [...(compose?.model.services.values() ?? [])]
  const servers = compose ? [...serversOf(tree, compose.model)] : []
  const pairs = [...variables, ...services.flatMap(service => [...environmentOf(tree, service)])]
  const hidden = pairs.flatMap(([name, value]) => (isSecret(name) && value ? piecesOf(value) : []))
  const given = servers.flatMap(([, { user, database }]) =>
    [user, database].flatMap(one => one?.value?.reveal() ?? []),
  )
  const apps = compose ? appsOf(tree, compose.model).map(({ name }) => name) : []
  return {
    hidden: [...hidden, ...servers.flatMap(([, { password }]) => password?.value ?? [])],
    open: [
      ...given,
      ...apps,
      ...servers.flatMap(([name, { kind, image }]) => [name, kind, image.repository]),
      'postgres',
      'root',
      'true',
      'false',
    ],
  }
}

/** The words, too: a value may go over several lines of the file. */
const piecesOf = (value: string): Secret[] =>
  [...new Set([value, ...value.split(/\s+/)])].map(piece => new Secret(piece))

/** A file's lines as they may be printed: no value of a name that sounds secret, no password of an address. */
export function concealed(text: string, { hidden, open }: Secrets): string {
  let within: number | undefined
  const lines = scrub(text, hidden, open)
    .split('\n')
    .map(line => {
      const indent = /^[ +-]? *(?=\S)/.exec(line)?.[0].length
      if (indent === undefined) return line
      // The rest of a value that began on a line before.
      if (within !== undefined && indent > within) return line.slice(0, indent) + MASK
      const shown = withoutValues(line.replace(ADDRESS, addressShown).replace(BROKEN_ADDRESS, `$1${MASK}`))
      within = shown.open ? indent : undefined
      return shown.text
    })
  return lines.join('\n')
}

const ADDRESS = /(?<![a-z0-9+.-])([0-9+.-]*)([a-z][a-z0-9+.-]*:\/\/[^\s"'`]+)/gi
/** With a blank or a quote in its password. */
const BROKEN_ADDRESS = /(:\/\/[^\s@/:]*:)(?!\d{1,5}(?!\w))(?![^\s"'`@]*@).*@.*$/

const addressShown = (_: string, before: string, address: string): string =>
  before + (address.includes('@') ? redactAddress(address) : address)

/** To the end of the line, since where a value ends is its format's affair. `open`: it may go on below. */
function withoutValues(line: string): { text: string; open: boolean } {
  const places = LOGINS.flatMap(([client, option]) => {
    const from = line.search(client)
    const found = from < 0 ? [] : [...line.matchAll(option)].filter(({ index }) => index > from)
    return found.map(({ 0: { length }, index }) => ({ name: '', at: index + length }))
  })
  for (const { 0: name, index } of line.matchAll(/[\w.-]+/g)) {
    if (!isSecret(name)) continue
    const length = matchAt(name.startsWith('-') ? OPTION_SIGN : SIGN, line, index + name.length)
    if (length > 0) places.push({ name, at: index + name.length + length })
  }
  for (const { name, at } of places.sort((a, b) => a.at - b.at)) {
    if (isOpen(name, line, at)) continue
    if (at >= line.length) return { text: line, open: true }
    return { text: line.slice(0, at) + MASK, open: true }
  }
  return { text: line, open: false }
}

function isOpen(name: string, line: string, at: number): boolean {
  // A list of names, which Compose has under this key.
  if (name === 'secrets' || matchAt(TYPE, line, at) > 0) return true
  const end = at + matchAt(REFERENCE, line, at)
  if (end === at) return false
  if (end >= line.length || matchAt(END, line, end) > 0) return true
  return (name === '' || CLIENTS.test(name)) && /[\s"'\\,]/.test(line[end] ?? '')
}

/** How long the match is that begins there. */
function matchAt(pattern: RegExp, line: string, at: number): number {
  pattern.lastIndex = at
  return pattern.exec(line)?.[0].length ?? 0
}
