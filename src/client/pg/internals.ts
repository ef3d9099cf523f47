import type { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import type pg from 'pg'

/**
 * What pg's and pg-pool's classes have besides what their types say, as far as it is used here. A test holds each
 * against the installed versions. Sources: pg 8.23 lib/client.js, lib/connection.js, lib/query.js; pg-pool 3.14 index.js.
 */
export interface ClientInternals {
  readonly processID: number | null
  readonly secretKey: number
  readonly connection: ConnectionInternals
  _queryQueue: unknown[]
  _activeQuery: unknown
  _queryable: boolean
  readonly readyForQuery: boolean | undefined
  _ending: boolean
  _ended: boolean
  readonly _connected: boolean
}

export interface ConnectionInternals extends EventEmitter {
  readonly stream: Duplex
  readonly ssl: unknown
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
}

export interface QueryInternals {
  callback: ((error: Error | null | undefined, result?: pg.QueryResult) => void) | undefined
  text: string
  name?: string
  submit(connection: ConnectionInternals): Error | null | undefined
  handleError(error: Error, connection: ConnectionInternals): void
}

export interface PoolInternals {
  _clients: unknown[]
  _idle: { client: unknown }[]
  _pendingQueue: { callback: (error: Error) => void }[]
  _isFull(): boolean
  _remove(client: unknown, callback?: () => void): void
  _pulseQueue(): void
  newClient(item: { callback: (error: Error | undefined, client: unknown) => void; timedOut?: boolean }): void
}
