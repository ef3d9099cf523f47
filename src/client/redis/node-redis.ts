import type { RedisClientType } from 'redis'
import type { ConnectLimits } from '../again.js'
import { Reconnecting } from '../lost.js'
import { failure } from '../told.js'
import { answerWithin, blocksFor, type Place, type RedisLimits } from './options.js'

export type CreateClient = (options: object) => RedisClientType

interface CommandOptions {
  readonly abortSignal?: AbortSignal
}

type Send = (args: readonly unknown[], options?: CommandOptions) => Promise<unknown>
type SendMany = (
  commands: readonly { readonly args: readonly unknown[] }[],
  ...rest: unknown[]
) => Promise<unknown>

/** As much of node-redis' client as is overridden. Source: its lib/client/index.ts. */
interface Inner {
  isOpen: boolean
  isReady: boolean
  on(event: string, listener: (error: unknown) => void): void
  off(event: string, listener: (error: unknown) => void): void
  connect(): Promise<unknown>
  destroy(): void
  duplicate(overrides?: object): Inner
  QUIT(): Promise<unknown>
  quit(): Promise<unknown>
  sendCommand: Send
  _executeMulti: SendMany
  _executePipeline: SendMany
  readonly _commandOptions?: CommandOptions
  /** What `createClient` returns inherits from the client itself. */
  readonly _self: Inner
}

type Limits = ConnectLimits & RedisLimits

/** node-redis' options for a place, with those that hold. */
export const nodeRedisOptions = (
  place: Place,
  limits: Limits,
  reconnecting: Reconnecting,
  settings: { socket?: object } = {},
) => ({
  ...settings,
  ...(place.username === undefined ? {} : { username: place.username }),
  ...(place.password === undefined ? {} : { password: place.password }),
  database: place.database,
  disableOfflineQueue: false,
  socket: {
    keepAliveInitialDelay: limits.keepAliveInitialDelayMillis,
    ...settings.socket,
    ...place.at,
    ...(place.tls ? { tls: true, ...place.tls } : {}),
    connectTimeout: limits.connectTimeoutMillis,
    reconnectStrategy: (failures: number, cause: unknown) => reconnecting.pause(failures + 1, cause) ?? false,
  },
})

/** What node-redis answers before anything is written. */
const UNWRITTEN = new Set(['AbortError', 'TimeoutError', 'ClientOfflineError', 'ClientClosedError'])

const isUnwritten = (error: unknown): boolean =>
  error instanceof Error && (UNWRITTEN.has(error.constructor.name) || error.message === 'The queue is full')

/**
 * Each command of the client ends: in time, told. It waits for a connection here instead of in the driver's queue, so that what was
 * rejected for want of one is never sent. Answers of subscriptions are the driver's own.
 */
export function guard(client: Inner, reconnecting: Reconnecting, limits: Limits): void {
  const { acquireTimeoutMillis, commandTimeoutMillis } = limits
  const { sendCommand, _executeMulti, _executePipeline, duplicate, QUIT } = client
  let answers = 0
  let blocking = 0
  client.on('error', error => {
    reconnecting.last = error
  })
  client.on('ready', () => reconnecting.connected())

  const waiting = new Set<() => void>()
  const release = () => {
    const now = [...waiting]
    waiting.clear()
    for (const go of now) go()
  }
  client.on('ready', release)
  client.on('end', release)
  client.on('terminated', release)

  /** In the order in which they came. What the caller gives up is let through, for the driver to reject it. */
  const connected = (signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      if (client.isReady || !client.isOpen || signal?.aborted) return resolve()
      const go = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', go)
        waiting.delete(go)
        resolve()
      }
      signal?.addEventListener('abort', go)
      const timer = setTimeout(() => {
        waiting.delete(go)
        signal?.removeEventListener('abort', go)
        reject(reconnecting.unsent(acquireTimeoutMillis))
      }, acquireTimeoutMillis)
      waiting.add(go)
    })

  const gone = (error: unknown) =>
    reconnecting.ended
      ? failure('authentication-failed', 'the login was rejected; there is no connection any more', {
          phase: 'statement',
          sent: false,
          target: reconnecting.name,
          cause: reconnecting.last ?? error,
        })
      : reconnecting.tell(error, !isUnwritten(error))

  /** Nobody answers any more: the next command shall not wait as long. */
  const renew = () => {
    if (!client.isOpen) return
    client.destroy()
    client.connect().catch(() => {})
  }

  const answered = async <T>(
    name: string,
    send: (signal: AbortSignal) => Promise<T>,
    { blocks, own }: { blocks?: number | undefined; own?: AbortSignal | undefined } = {},
  ) => {
    if (!client.isReady) await connected(own)
    const unwritten = new AbortController()
    const before = answers
    const millis = answerWithin(commandTimeoutMillis, blocks)
    const waits = blocks === undefined ? 0 : 1
    blocking += waits
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      if (millis === undefined) return
      timer = setTimeout(() => {
        unwritten.abort()
        const others = blocking - waits
        // What was not written is rejected by the driver first.
        setImmediate(() => {
          reject(reconnecting.unanswered(name, millis, true))
          if (answers === before && others === 0) renew()
        })
      }, millis)
    })
    try {
      const result = await Promise.race([send(unwritten.signal), late])
      answers++
      // Of a transaction or a pipeline.
      if (Array.isArray(result)) for (const one of result) if (isReply(one)) reconnecting.tell(one, true)
      return result
    } catch (error) {
      if (isReply(error)) answers++
      throw unwritten.signal.aborted && isUnwritten(error)
        ? reconnecting.unanswered(name, millis ?? 0, false)
        : gone(error)
    } finally {
      clearTimeout(timer)
      blocking -= waits
    }
  }

  client.sendCommand = function (this: Inner, args, options) {
    const name = String(args[0])
    const own = options?.abortSignal ?? this._commandOptions?.abortSignal
    return answered(
      name,
      signal =>
        sendCommand.call(this, args, {
          ...options,
          abortSignal: own ? AbortSignal.any([own, signal]) : signal,
        }),
      { blocks: blocksFor(name, args.slice(1)), own },
    )
  }
  client._executeMulti = function (this: Inner, commands, ...rest) {
    return answered('MULTI', () => _executeMulti.call(this, commands, ...rest))
  }
  client._executePipeline = function (this: Inner, commands, ...rest) {
    return answered('a pipeline', () => _executePipeline.call(this, commands, ...rest))
  }
  /** Without a connection there is nobody to say it to; of a silent server the driver would wait for the answer for ever. */
  client.quit = client.QUIT = async () => {
    if (client.isOpen && !client.isReady) {
      client.destroy()
      return 'OK'
    }
    const timer =
      commandTimeoutMillis > 0 ? setTimeout(() => client.destroy(), commandTimeoutMillis) : undefined
    return QUIT.call(client)
      .catch(error => {
        throw reconnecting.tell(error, !isUnwritten(error))
      })
      .finally(() => clearTimeout(timer))
  }
  client.duplicate = overrides => {
    const copy = duplicate.call(client, overrides)
    guard(copy._self, reconnecting, limits)
    return copy
  }
}

const isReply = (error: unknown): boolean =>
  error instanceof Error &&
  /^(SimpleError|BlobError|ErrorReply|MultiErrorReply)$/.test(error.constructor.name)

/** One attempt; what failed is closed. */
export async function openNodeRedis(
  createClient: CreateClient,
  place: Place,
  { name, limits, settings }: { name: string; limits: Limits; settings: object | undefined },
  signal: AbortSignal,
): Promise<RedisClientType> {
  const reconnecting = new Reconnecting('redis', name, limits)
  const client = createClient(nodeRedisOptions(place, limits, reconnecting, settings))
  guard((client as unknown as Inner)._self, reconnecting, limits)
  const cut = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  try {
    await Promise.race([client.connect(), cut])
    return client
  } catch (error) {
    client.destroy()
    // Until it is connected, `destroy` does not know the socket.
    client.on('connect', () => client.destroy())
    throw error
  }
}
