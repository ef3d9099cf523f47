import { type Answer, ErrorReply, Status } from '../../wire/resp-server.js'
import { type CommandInfo, isRefused, keysOf, type Table, typeWanted } from './table.js'

/** What this needs of an instance of ioredis-mock: methods by the commands' names, and `NAMEBuffer` for bytes. */
export type Mock = Readonly<Record<string, unknown>>
type Method = (this: Mock, ...args: readonly unknown[]) => Promise<unknown>

/**
 * The data of one server: runs commands one after another on ioredis-mock, behind the checks that Redis makes and the
 * mock does not (number of arguments, types of values, numbers), which would otherwise give silently wrong results.
 */
export class Store {
  readonly #databases = new Map<number, Mock>()
  /** How often each key was written, as "DB KEY": what WATCH goes by. */
  readonly #writes = new Map<string, number>()
  /** How often everything was. */
  #sweeps = 0

  constructor(
    readonly table: Table,
    readonly open: (database: number) => Mock,
  ) {}

  /** Changes whenever the key may have been written. */
  revision(database: number, key: string): string {
    return `${this.#sweeps} ${this.#writes.get(`${database} ${key}`) ?? 0}`
  }

  async run(database: number, name: string, args: readonly Buffer[]): Promise<Answer> {
    const mock = this.#database(database)
    const info = this.table.get(name)
    const method = mock[`${name}Buffer`] ?? mock[name]
    if (!info || isRefused(name) || typeof method !== 'function') return unknownCommand(name, args)
    const wrong = (await wrongType(mock, info, args)) ?? (await wrongNumber(mock, name, args))
    if (wrong) return wrong
    let result: unknown
    try {
      result = await (method as Method).call(mock, ...args.map(arg => asArgument(arg, info)))
    } catch (error) {
      return new ErrorReply(errorText(error as Error))
    }
    if (info.writes) this.#note(database, info, args)
    if (name === 'type') return new Status(await typeOf(mock, String(args[0])))
    return answerOf(result, info)
  }

  #note(database: number, info: CommandInfo, args: readonly Buffer[]): void {
    const keys = keysOf(info, args)
    if (keys.length === 0) this.#sweeps++
    for (const key of keys) {
      const id = `${database} ${key}`
      this.#writes.set(id, (this.#writes.get(id) ?? 0) + 1)
    }
  }

  #database(index: number): Mock {
    const mock = this.#databases.get(index) ?? this.open(index)
    this.#databases.set(index, mock)
    return mock
  }
}

export function unknownCommand(name: string, args: readonly Buffer[]): ErrorReply {
  const shown = args.slice(0, 3).map(arg => `'${arg.toString('latin1').slice(0, 64)}' `)
  return new ErrorReply(`ERR unknown command '${name}', with args beginning with: ${shown.join('')}`)
}

/** The mock compares texts, and measures texts in characters: only strings' values, and what is no text, stay bytes. */
function asArgument(arg: Buffer, info: CommandInfo): string | Buffer {
  const text = arg.toString('utf8')
  const plain = typeWanted(info) === 'string' || info.answersStatus ? text.length === arg.length : true
  return plain && Buffer.from(text).equals(arg) ? text : arg
}

const WRONG_TYPE = new ErrorReply('WRONGTYPE Operation against a key holding the wrong kind of value')

async function wrongType(
  mock: Mock,
  info: CommandInfo,
  args: readonly Buffer[],
): Promise<ErrorReply | undefined> {
  const wanted = typeWanted(info)
  if (!wanted) return undefined
  for (const key of keysOf(info, args)) {
    const type = await typeOf(mock, key)
    if (type !== 'none' && type !== wanted) return WRONG_TYPE
  }
  return undefined
}

/** The mock has no type for values that are bytes, which only strings are. */
async function typeOf(mock: Mock, key: string): Promise<string> {
  return String((await (mock.type as Method).call(mock, key)) ?? 'string')
}

const INTEGER = /^-?(0|[1-9]\d{0,18})$/
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i

/** INCR and its kin: the mock would store NaN. */
async function wrongNumber(
  mock: Mock,
  name: string,
  args: readonly Buffer[],
): Promise<ErrorReply | undefined> {
  const [, kind = '', float] = /^(h?incr|decr)(?:by)?(float)?$/.exec(name) ?? []
  if (!kind) return undefined
  const inHash = kind.startsWith('h')
  const amount = args[inHash ? 2 : 1]?.toString()
  const held = inHash
    ? await (mock.hget as Method).call(mock, String(args[0]), String(args[1]))
    : await (mock.get as Method).call(mock, String(args[0]))
  const pattern = float ? DECIMAL : INTEGER
  const wrong = (value: unknown) => typeof value === 'string' && !pattern.test(value)
  if (!wrong(amount) && !wrong(held)) return undefined
  if (inHash && !wrong(amount)) {
    return new ErrorReply(`ERR hash value is not ${float ? 'a float' : 'an integer'}`)
  }
  return new ErrorReply(
    float ? 'ERR value is not a valid float' : 'ERR value is not an integer or out of range',
  )
}

function errorText({ message }: Error): string {
  if (/does not contain|wrong kind of value|is not a function/.test(message)) return WRONG_TYPE.text
  return /^[A-Z]+ /.test(message) ? message : `ERR ${message}`
}

/** Values in the shape that Redis sends: ioredis makes objects of HGETALL, and a mock booleans of numbers. */
function answerOf(value: unknown, info: CommandInfo): Answer {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean') return value ? 1 : null
  if (typeof value === 'number') return info.answersText ? String(value) : Math.trunc(value)
  if (value instanceof Uint8Array)
    return info.answersStatus && value.length < 16 ? new Status(text(value)) : value
  if (typeof value === 'string') return info.answersStatus ? new Status(value) : value
  if (Array.isArray(value)) return value.map(one => answerOf(one, { ...info, answersStatus: false }))
  if (value instanceof Error) return new ErrorReply(errorText(value))
  return Object.entries(value).flatMap(([key, one]) => [
    key,
    answerOf(one, { ...info, answersStatus: false }),
  ])
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')
