import { type Answer, ErrorReply, Status } from '../../wire/resp-server.js'
import type { PubSub } from './pubsub.js'
import { type Store, unknownCommand } from './store.js'
import { hasArity, isRefused } from './table.js'

/** What all sessions of a server share. */
export interface Shared {
  readonly store: Store
  readonly pubsub: PubSub
  readonly password: string
  /** For HELLO and INFO. */
  readonly version: string
}

/** How a session ends, beside the other side's hanging up. */
export const QUIT = Symbol('quit')

/** `nil` of a transaction that was not run, which is an array. */
export const ABORTED = Symbol('aborted')

export type Outcome = Answer | typeof ABORTED | typeof QUIT | undefined

interface Words {
  readonly name: string
  readonly args: readonly Buffer[]
}

type Handler = (args: readonly Buffer[]) => Outcome | Promise<Outcome>

const DATABASES = 16

/** One connection: login, transaction, subscriptions; everything else is the store's. */
export class Session {
  #database = 0
  #known = false
  #queue: Words[] | undefined
  #spoilt = false
  readonly #watched = new Map<string, string>()

  constructor(
    readonly shared: Shared,
    /** Sends what is no answer to a request, and each answer but the first of a subscription. */
    readonly send: (answer: Answer) => void,
  ) {}

  close(): void {
    this.shared.pubsub.leave(this)
  }

  async ask(words: readonly Buffer[]): Promise<Outcome> {
    const name = words[0]?.toString('latin1').toLowerCase() ?? ''
    const args = words.slice(1)
    if (!this.#known && !/^(auth|hello|quit|reset)$/.test(name)) {
      return new ErrorReply('NOAUTH Authentication required.')
    }
    const wrong = this.#wrong(name, args)
    if (wrong) {
      this.#spoilt ||= this.#queue !== undefined
      return wrong
    }
    if (this.#queue && !/^(multi|exec|discard|watch|quit|reset)$/.test(name)) {
      this.#queue.push({ name, args })
      return new Status('QUEUED')
    }
    if (this.shared.pubsub.listens(this) && !/^(p?(un)?subscribe|ping|quit|reset)$/.test(name)) {
      return new ErrorReply(
        `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context`,
      )
    }
    return this.#run({ name, args })
  }

  #wrong(name: string, args: readonly Buffer[]): ErrorReply | undefined {
    const own = this.#handlers.has(name)
    const info = this.shared.store.table.get(name)
    if (!own && (!info || isRefused(name))) return unknownCommand(name, args)
    if (info && !hasArity(info, args.length + 1) && !(own && name === 'hello')) {
      return new ErrorReply(`ERR wrong number of arguments for '${name}' command`)
    }
    return undefined
  }

  #run({ name, args }: Words): Outcome | Promise<Outcome> {
    const own = this.#handlers.get(name)
    return own ? own(args) : this.shared.store.run(this.#database, name, args)
  }

  readonly #handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
    ['auth', args => this.#login(args)],
    ['hello', args => this.#hello(args)],
    ['quit', () => QUIT],
    ['reset', () => this.#reset()],
    ['select', args => this.#select(args)],
    ['ping', args => this.#ping(args)],
    ['info', () => this.#info()],
    ['client', args => this.#client(args)],
    ['command', () => []],
    ['multi', () => this.#multi()],
    ['exec', () => this.#exec()],
    ['discard', () => this.#discard()],
    ['watch', args => this.#watch(args)],
    ['unwatch', () => this.#unwatch()],
    ['subscribe', args => this.shared.pubsub.join(this, 'subscribe', args)],
    ['psubscribe', args => this.shared.pubsub.join(this, 'psubscribe', args)],
    ['unsubscribe', args => this.shared.pubsub.part(this, 'unsubscribe', args)],
    ['punsubscribe', args => this.shared.pubsub.part(this, 'punsubscribe', args)],
    ['publish', ([channel, text]) => this.shared.pubsub.publish(channel, text)],
  ])

  #login(args: readonly Buffer[]): Answer {
    const [user, password] = args.length > 1 ? [String(args[0]), args[1]] : ['default', args[0]]
    this.#known = user === 'default' && String(password) === this.shared.password
    if (this.#known) return OK
    return new ErrorReply('WRONGPASS invalid username-password pair or user is disabled.')
  }

  #hello(args: readonly Buffer[]): Answer {
    if (args[0] && String(args[0]) !== '2') return new ErrorReply('NOPROTO unsupported protocol version')
    const at = args.findIndex(arg => /^auth$/i.test(String(arg)))
    if (at > 0) {
      const answer = this.#login(args.slice(at + 1, at + 3))
      if (answer !== OK) return answer
    }
    if (!this.#known)
      return new ErrorReply('NOAUTH HELLO must be called with the client already authenticated')
    const facts = { server: 'redis', version: this.shared.version, proto: 2, id: 1, mode: 'standalone' }
    return [...Object.entries(facts).flat(), 'role', 'master', 'modules', []]
  }

  #reset(): Answer {
    this.#queue = undefined
    this.#watched.clear()
    this.shared.pubsub.leave(this)
    this.#database = 0
    this.#known = false
    return new Status('RESET')
  }

  #select([index]: readonly Buffer[]): Answer {
    const database = Number(index)
    if (!/^\d+$/.test(String(index))) return new ErrorReply('ERR value is not an integer or out of range')
    if (database >= DATABASES) return new ErrorReply('ERR DB index is out of range')
    this.#database = database
    return OK
  }

  #ping([text]: readonly Buffer[]): Answer {
    if (this.shared.pubsub.listens(this)) return ['pong', text ?? '']
    return text ?? new Status('PONG')
  }

  #info(): Answer {
    const { version } = this.shared
    const uptime = Math.floor(process.uptime())
    const lines = [
      '# Server',
      `redis_version:${version}`,
      'redis_mode:standalone',
      `uptime_in_seconds:${uptime}`,
    ]
    return `${[...lines, `run_id:${RUN_ID}`, '# Replication', 'role:master'].join('\r\n')}\r\n`
  }

  /** What drivers send unasked when they connect, and nothing else. */
  #client(args: readonly Buffer[]): Answer {
    return /^(setinfo|setname)$/i.test(String(args[0])) ? OK : unknownCommand('client', args)
  }

  #multi(): Answer {
    if (this.#queue) return new ErrorReply('ERR MULTI calls can not be nested')
    this.#queue = []
    this.#spoilt = false
    return OK
  }

  async #exec(): Promise<Outcome> {
    const queue = this.#queue
    if (!queue) return new ErrorReply('ERR EXEC without MULTI')
    const touched = [...this.#watched].some(([id, revision]) => revision !== this.#revision(id))
    this.#discard()
    if (this.#spoilt) return new ErrorReply('EXECABORT Transaction discarded because of previous errors.')
    if (touched) return ABORTED
    const answers: Answer[] = []
    for (const words of queue) {
      const answer = await this.#run(words)
      answers.push(typeof answer === 'symbol' || answer === undefined ? null : answer)
    }
    return answers
  }

  #discard(): Answer {
    if (!this.#queue) return new ErrorReply('ERR DISCARD without MULTI')
    this.#queue = undefined
    this.#watched.clear()
    return OK
  }

  #watch(keys: readonly Buffer[]): Answer {
    if (this.#queue) return new ErrorReply('ERR WATCH inside MULTI is not allowed')
    for (const key of keys) {
      const id = `${this.#database} ${key}`
      this.#watched.set(id, this.#revision(id))
    }
    return OK
  }

  #unwatch(): Answer {
    this.#watched.clear()
    return OK
  }

  #revision(id: string): string {
    const at = id.indexOf(' ')
    return this.shared.store.revision(Number(id.slice(0, at)), id.slice(at + 1))
  }
}

const OK = new Status('OK')

const RUN_ID = [...crypto.getRandomValues(new Uint8Array(20))]
  .map(byte => byte.toString(16).padStart(2, '0'))
  .join('')
