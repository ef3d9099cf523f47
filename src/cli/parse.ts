import { parseArgs } from 'node:util'
import { nearest, usage } from '../core/errors.js'
import { parseCount, parseDuration } from '../core/options.js'
import { redactAddress } from '../core/redact.js'
import { type Call, type Option, type OptionTable, Values, type Verb } from './call.js'
import { COMMON, CONTRADICTIONS } from './spec.js'

export interface ParseEnv {
  readonly [name: string]: string | undefined
}

/** Parses what follows the verb. Every problem is one usage error that names the option and its value. */
export function parseCall(verb: Verb, argv: readonly string[], env: ParseEnv): Call {
  const end = argv.indexOf('--')
  const own = end < 0 ? argv : argv.slice(0, end)
  const command = end < 0 ? undefined : argv.slice(end + 1)
  const table: OptionTable = { ...verb.options, ...COMMON }
  const given = new Map<string, unknown>()
  const targets: string[] = []
  for (const token of tokens(own, table)) {
    if (token.kind === 'positional') targets.push(token.value)
    else take(given, token, table)
  }
  fromEnvironment(given, table, env)
  if (!given.has('help')) checkCommand(verb, command)
  return { verb, targets, command, values: new Values(given) }
}

type Token =
  | { kind: 'positional'; value: string }
  | { kind: 'option'; name: string; raw: string; value: string | undefined; inline: boolean }

function tokens(argv: readonly string[], table: OptionTable): Token[] {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { kind, short }]) => [
      name,
      {
        type: kind === 'flag' ? ('boolean' as const) : ('string' as const),
        multiple: true,
        ...(short ? { short } : {}),
      },
    ]),
  )
  const parsed = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
  return parsed.tokens.flatMap((token): Token[] => {
    if (token.kind === 'positional') return [{ kind: 'positional', value: token.value }]
    if (token.kind !== 'option') return []
    return [
      {
        kind: 'option',
        name: token.name,
        raw: token.rawName,
        value: token.value,
        inline: token.inlineValue === true,
      },
    ]
  })
}

function take(given: Map<string, unknown>, token: Token & { kind: 'option' }, table: OptionTable): void {
  const { name, raw, value } = token
  const option = Object.hasOwn(table, name) ? table[name] : undefined
  if (!option) {
    const near = nearest(name, Object.keys(table))
    throw usage(
      `unknown option ${redactAddress(raw)}${near ? `; did you mean --${near}?` : '; --help lists the options'}`,
    )
  }
  if (option.kind === 'flag') {
    if (value !== undefined) throw usage(`${raw} takes no value; leave out what follows the equals sign`)
    given.set(name, true)
    return
  }
  if (value === undefined) throw usage(`${raw} needs a value: ${raw} ${option.value}`)
  // `--timeout --once` has lost its value rather than the value "--once".
  if (!token.inline && /^--?[a-z]/.test(value))
    throw usage(`${raw} needs a value, but an option follows; write ${raw}=VALUE if that is meant`)
  if (value.trim() === '') throw usage(`${raw} needs a value: ${raw} ${option.value}`)
  set(given, name, option, value, raw)
}

function set(given: Map<string, unknown>, name: string, option: Option, value: string, where: string): void {
  if (option.kind === 'list') {
    given.set(name, [...((given.get(name) as string[] | undefined) ?? []), value])
    return
  }
  given.set(name, convert(option, value, where))
}

function convert({ kind }: Option, value: string, where: string): unknown {
  if (kind === 'duration') return parseDuration(value, where)
  if (kind === 'count') return parseCount(value, where)
  if (typeof kind === 'object' && !kind.choice.includes(value)) {
    const near = nearest(value, kind.choice)
    throw usage(
      `${where}: "${redactAddress(value)}" is not one of ${kind.choice.join(', ')}${near ? `; did you mean ${near}?` : ''}`,
    )
  }
  return value
}

/** `HOLDFAST_ATTEMPT_TIMEOUT=2s` stands for `--attempt-timeout 2s`, where that is not given. */
function fromEnvironment(given: Map<string, unknown>, table: OptionTable, env: ParseEnv): void {
  const written = [...given.keys()]
  for (const [name, option] of Object.entries(table)) {
    const variable = `HOLDFAST_${name.toUpperCase().replaceAll('-', '_')}`
    const value = env[variable]
    if (!value || given.has(name) || name === 'help' || option.flagOnly) continue
    if (written.some(one => contradict(one, name))) continue
    if (option.kind === 'flag') {
      if (/^(1|true|yes|on)$/i.test(value)) given.set(name, true)
      else if (!/^(0|false|no|off)$/i.test(value))
        throw usage(`${variable}: "${redactAddress(value)}" is not true or false`)
    } else {
      set(given, name, option, value, variable)
    }
  }
}

const contradict = (one: string, other: string): boolean =>
  CONTRADICTIONS.some(
    ([left, right]) => (left === one && right.includes(other)) || (left === other && right.includes(one)),
  )

function checkCommand(verb: Verb, command: readonly string[] | undefined): void {
  const example = verb.example
  if (command && verb.command === 'none')
    throw usage(`${verb.name} runs no COMMAND; leave out what follows --`)
  if (command?.length === 0 || command?.[0] === '')
    throw usage(`-- must be followed by a COMMAND, like: ${example}`)
  if (!command && verb.command === 'required')
    throw usage(`${verb.name} needs a COMMAND after --, like: ${example}`)
}
