/** What is known of one command, by the table that COMMAND answers. Source: redis.io, COMMAND. */
export interface CommandInfo {
  readonly name: string
  /** Number of words with the name; the least where it is negative. */
  readonly arity: number
  readonly writes: boolean
  /** Places of the keys among the words, the name being 0; `first` 0 for none, a negative `last` counts from the end. */
  readonly first: number
  readonly last: number
  readonly step: number
  /** `@string`, `@hash`, … */
  readonly categories: readonly string[]
  readonly answersStatus: boolean
  /** Answers a number as text, as INCRBYFLOAT does. */
  readonly answersText: boolean
}

export type Table = ReadonlyMap<string, CommandInfo>

type Row = readonly [string, number, readonly string[], number, number, number, (readonly string[])?]

const STATUS = new Set('set setex psetex mset hmset lset ltrim rename flushall flushdb'.split(' '))

export function tableOf(rows: readonly unknown[]): Table {
  return new Map(
    (rows as readonly Row[]).map(([name, arity, flags, first, last, step, categories = []]) => [
      name,
      {
        ...{ name, arity, first, last, step, categories },
        writes: flags.includes('write') || name.startsWith('eval'),
        answersStatus: STATUS.has(name),
        answersText: /float$|^z(score|incrby)$/.test(name),
      },
    ]),
  )
}

/**
 * What the mock would answer wrongly or not at all: streams (half of the commands, and with keys of their own among
 * the user's), the server's own business, and what the front does itself.
 */
const REFUSED =
  /^(x.*|config|save|bgsave|bgrewriteaof|lastsave|command|replconf|replicaof|slaveof|failover|role|cluster|asking|readonly|readwrite|object|lolwut|evalsha|script|multi|exec|discard|watch|unwatch|p?(un)?subscribe|publish|pubsub|auth|quit|client|info)$/

export const isRefused = (name: string): boolean => REFUSED.test(name) || name.includes('.')

export const hasArity = ({ arity }: CommandInfo, words: number): boolean =>
  arity >= 0 ? words === arity : words >= -arity

/** The keys among a command's arguments. */
export function keysOf(info: CommandInfo, args: readonly Buffer[]): string[] {
  if (info.name.startsWith('eval')) return args.slice(2, 2 + (Number(args[1]) || 0)).map(String)
  const { first, last, step } = info
  if (first === 0) return []
  const end = last < 0 ? args.length + 1 + last : last
  const keys: string[] = []
  for (let at = first; at <= end && at <= args.length; at += Math.max(1, step))
    keys.push(String(args[at - 1]))
  return keys
}

const TYPES: Readonly<Record<string, string>> = {
  '@string': 'string',
  '@bitmap': 'string',
  '@hash': 'hash',
  '@list': 'list',
  '@set': 'set',
  '@sortedset': 'zset',
}

/** These take a key of any type: they replace it, or answer nothing for it. */
const ANY_TYPE = /^(set|setex|psetex|setnx|mset|msetnx|mget|.*store)$/

/** The type that a command's keys must have where they exist. */
export function typeWanted({ name, categories }: CommandInfo): string | undefined {
  if (ANY_TYPE.test(name)) return undefined
  const category = categories.find(one => one in TYPES)
  return category && TYPES[category]
}
