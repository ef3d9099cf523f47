import { redactAddress, Secret, scrub } from '../../core/redact.js'
import { appsOf, environmentOf, type Project, serversOf } from './project.js'

const MASK = '***'
const NAME = '[\\w.-]*(?:pass|pwd|secret|token|credential|api_?key|private_?key)[\\w.-]*'
/** Variables whose values nobody should see. `POSTGRES_PASSWORD_FILE` names a file. */
const SECRET = new RegExp(`^${NAME}$(?<!_file|_path)`, 'i')
const VALUE = `("(?:\\\\.|[^"\\\\])*"|'[^']*'|[^\\s,}\\]"']+)`
const PAIR = new RegExp(`(["']?${NAME}["']?)(\\s*[:=]\\s*)${VALUE}`, 'gi')
/** Also as two words of a list. */
const OPTION = new RegExp(`(--?${NAME})(["']?[\\s=,]+)${VALUE}`, 'gi')
/** `mysql -pWORD`, `redis-cli -a WORD`. */
const LOGIN =
  /(\b(?:(?:mysql|mariadb)[\w-]*\b[^|;&]*?[\s"']-p|redis-cli\b[^|;&]*?[\s"'](?:-a|--pass)["']?[\s,]+["']?))([^\s"',]+)/g

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
  const hidden = pairs.flatMap(([name, value]) => (SECRET.test(name) && value ? [new Secret(value)] : []))
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

/** A file's lines as they may be printed: no value of a name that sounds secret, no password of an address. */
export function concealed(text: string, { hidden, open }: Secrets): string {
  const lines = text.split('\n').map(line =>
    line
      .replace(/[a-z][a-z0-9+.-]*:\/\/[^\s"'`,\]}]+/gi, address =>
        /^\w+:\/\/[^@]*$/.test(address) ? address : redactAddress(address),
      )
      .replace(PAIR, hide)
      .replace(OPTION, hide)
      .replace(LOGIN, (all, name: string, value: string) => (/^[$\\]/.test(value) ? all : `${name}${MASK}`)),
  )
  return scrub(lines.join('\n'), hidden, open)
}

/** What only names a variable or a file tells nothing, nor does the opening of something longer. */
function hide(pair: string, name: string, sign: string, value: string): string {
  if (/_(file|path)["']?$/i.test(name) || /^["']?(\$\$?[\w{(]|[{[&*|>\\])/.test(value)) return pair
  return `${name}${sign}${MASK}`
}
