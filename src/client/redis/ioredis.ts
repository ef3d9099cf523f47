import type { Redis } from 'ioredis'
import type { ConnectLimits } from '../again.js'
import { Reconnecting } from '../lost.js'
import { answerWithin, blocksFor, type Place, type RedisLimits } from './options.js'

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

/** As much of what ioredis keeps to itself as is used here. */
interface Insides {
  manuallyClosing: boolean
  readonly offlineQueue: {
    readonly length: number
    peekAt(index: number): { readonly command: Command } | undefined
    remove(index: number, count: number): unknown
  }
  setStatus(status: string): void
  flushQueue(error: Error): void
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

    /** Between two attempts there is no connection whose end would tell the driver that it is over. */
    override disconnect(reconnect = false): void {
      const pausing = this.status === 'reconnecting'
      super.disconnect(reconnect)
      if (!pausing || reconnect) return
      const insides = this as unknown as Insides
      insides.manuallyClosing = false
      insides.setStatus('end')
      insides.flushQueue(new Error('Connection is closed.'))
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
      const internal = this.status === 'connect' && !stream && HANDSHAKE.has(command.name)
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
        if (command.name === 'exec' && Array.isArray(value)) this.#tellAll(value)
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
        this.#unqueue(command)
        command.reject(this.reconnecting.unsent(acquireTimeoutMillis))
      }, acquireTimeoutMillis)
    }

    /** Timers end in the order of the queue: the command is at its front. */
    #unqueue(command: Command): void {
      const { offlineQueue } = this as unknown as Insides
      for (let at = 0; at < offlineQueue.length; at++)
        if (offlineQueue.peekAt(at)?.command === command) return void offlineQueue.remove(at, 1)
    }

    /** What a transaction's commands were answered with stands in the answer of EXEC. */
    #tellAll(answers: readonly unknown[]): void {
      for (const answer of answers) if (answer instanceof Error) this.reconnecting.tell(answer, true)
    }

    #sent(command: Command, watched: Watched): void {
      watched.sent = true
      clearTimeout(watched.timer)
      const millis = answerWithin(commandTimeoutMillis, blocksFor(command.name, command.args))
      if (millis === undefined) return
      const before = this.#answers
      watched.timer = setTimeout(() => {
        command.reject(this.reconnecting.unanswered(command.name, millis, true))
        const silent = this.#answers === before && ![...this.#commands].some(isBlocking)
        // Nobody is there any more: the next command shall not wait as long.
        if (silent) this.stream?.destroy()
      }, millis)
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

const isBlocking = ([{ name, args }, { sent }]: [Command, Watched]): boolean =>
  sent && blocksFor(name, args) !== undefined

/** While it is connecting, the driver logs in, selects and asks whether data are loaded. */
const HANDSHAKE = new Set(['auth', 'hello', 'select', 'client', 'info'])

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
