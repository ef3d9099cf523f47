import type { Redis } from 'ioredis'
import type { ConnectLimits } from '../again.js'
import { Reconnecting } from '../lost.js'
import { blocks, type Place, type RedisLimits } from './options.js'

export type RedisClass = new (options: object) => Redis

/** As much of ioredis' Command as is used here. */
interface Command {
  readonly name: string
  readonly args: readonly unknown[]
  readonly promise: Promise<unknown>
  resolve(value: unknown): unknown
  reject(error: unknown): void
  toWritable(socket: unknown): unknown
}

interface Watched {
  sent: boolean
  settled: boolean
  timer: NodeJS.Timeout | undefined
}

interface Base extends Redis {
  sendCommand(command: Command, stream?: object): Promise<unknown>
}

/** A client of ours, before and after it is connected. */
export type GuardedClass = new (options: object) => Redis & { readonly reconnecting: Reconnecting }

/** ioredis' options for a place, with those that hold. */
export const ioredisOptions = (place: Place, limits: ConnectLimits & RedisLimits, settings: object = {}) => ({
  keepAlive: limits.keepAliveInitialDelayMillis,
  ...settings,
  ...place.at,
  db: place.database,
  username: place.username,
  password: place.password,
  tls: place.tls,
  connectTimeout: limits.connectTimeoutMillis,
  lazyConnect: true,
  // Each of these would send once more what may have been executed.
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: null,
  // Without it commands would go to database 0 where the other one does not exist.
  enableReadyCheck: true,
  enableOfflineQueue: true,
  commandTimeout: undefined,
})

/**
 * ioredis' class, each command of which ends: in time, told, sent once at most. Source of what is overridden: ioredis'
 * lib/Redis.ts, redis/event_handler.ts and Pipeline.ts.
 */
export function guarded(Parent: RedisClass, name: string, limits: ConnectLimits & RedisLimits): GuardedClass {
  const { acquireTimeoutMillis, commandTimeoutMillis } = limits
  class Guarded extends (Parent as new (options: object) => Base) {
    readonly reconnecting: Reconnecting
    readonly #commands = new Map<Command, Watched>()
    readonly #known = new WeakMap<Command, Watched>()
    /** Pipelines that are written as a whole, or not at all. */
    readonly #dropped = new WeakSet<object>()
    /** Why this connection is in the wrong database. */
    #refusal: unknown
    #answers = 0

    constructor(options: object) {
      const reconnecting = new Reconnecting('ioredis', name, limits)
      super({ ...options, retryStrategy: (failures: number) => reconnecting.pause(failures) })
      this.reconnecting = reconnecting
      this.on('error', error => {
        reconnecting.last = error
      })
      this.on('ready', () => reconnecting.connected())
      this.on('close', () => this.#lost())
    }

    override duplicate(override: object = {}): Redis {
      const copy = new Guarded({ ...this.options, lazyConnect: false, ...override })
      copy.reconnecting.established = true
      return copy
    }

    override sendCommand(command: Command, stream?: object): Promise<unknown> {
      const watched = this.#known.get(command)
      if (!watched) {
        this.#watch(command, stream)
      } else if (stream && this.#dropped.has(stream)) {
        if (!watched.settled) command.reject(this.reconnecting.unsent(acquireTimeoutMillis))
        return command.promise
      } else if (watched.settled) {
        return command.promise
      }
      return super.sendCommand(command, stream)
    }

    #watch(command: Command, stream: object | undefined): void {
      const { resolve, reject, toWritable } = command
      // While it is connecting, the driver logs in, selects and asks whether data are loaded.
      const internal = this.status === 'connect' && !stream
      const watched: Watched = { sent: false, settled: false, timer: undefined }
      const settle = () => {
        watched.settled = true
        clearTimeout(watched.timer)
        this.#commands.delete(command)
      }
      this.#known.set(command, watched)
      this.#commands.set(command, watched)
      command.toWritable = socket => {
        if (!watched.sent) this.#sent(command, watched)
        return toWritable.call(command, socket)
      }
      command.resolve = value => {
        this.#answers++
        if (this.#refuses(command)) return command.reject(this.#refusal)
        settle()
        return resolve.call(command, value)
      }
      command.reject = error => {
        if ((error as Error).name === 'ReplyError') this.#answers++
        conceal(error)
        const shown = this.#refuses(command) ? this.#refusal : error
        if (command.name === 'select' && this.status === 'connect') this.#refusal = shown
        settle()
        reject.call(command, internal ? shown : this.reconnecting.tell(shown, watched.sent))
      }
      watched.timer = setTimeout(() => {
        if (stream) this.#dropped.add(stream)
        command.reject(this.reconnecting.unsent(acquireTimeoutMillis))
      }, acquireTimeoutMillis)
    }

    #sent(command: Command, watched: Watched): void {
      watched.sent = true
      clearTimeout(watched.timer)
      if (commandTimeoutMillis === 0 || blocks(command.name, command.args)) return
      const before = this.#answers
      watched.timer = setTimeout(() => {
        const silent = this.#answers === before && ![...this.#commands].some(isBlocking)
        command.reject(this.reconnecting.unanswered(command.name, commandTimeoutMillis, true))
        // Nobody is there any more: the next command shall not wait as long.
        if (silent) this.stream?.destroy()
      }, commandTimeoutMillis)
    }

    /** No answer to the driver's look counts on a connection that is in the wrong database: it is not 'ready'. */
    #refuses(command: Command): boolean {
      return this.#refusal !== undefined && command.name === 'info' && this.status === 'connect'
    }

    /** ioredis keeps what was sent, to send it again, or for ever. */
    #lost(): void {
      this.#refusal = undefined
      for (const [command, { sent }] of this.#commands)
        if (sent) command.reject(new Error('Connection is closed.'))
    }
  }
  return Guarded
}

/** ioredis shows the words of a command in its error, also a login's. */
function conceal(error: unknown): void {
  const { command } = error as { command?: { name: string; args: readonly unknown[] } }
  if (command && /^(auth|hello|acl|config|migrate)$/i.test(command.name)) command.args = ['***']
}

const isBlocking = ([{ name, args }, { sent }]: [Command, Watched]): boolean => sent && blocks(name, args)

/** One attempt; what failed is closed. */
export async function openIoredis(Class: GuardedClass, options: object, signal: AbortSignal): Promise<Redis> {
  const client = new Class(options)
  const abandon = () => {
    client.disconnect()
    client.stream?.destroy()
  }
  const cut = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    await Promise.race([client.connect(), cut])
    return client
  } catch (error) {
    abandon()
    // `connect` says only that the connection is closed.
    throw signal.aborted ? error : (client.reconnecting.last ?? error)
  }
}
