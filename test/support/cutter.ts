/**
 * A proxy before a PostgreSQL server that counts the messages of both directions and cuts at one of them. What the
 * server did is exact afterwards: `settle()` ends its side of every cut connection and waits until it is gone.
 * Its clients are of its own process. No TLS: a request for encryption is refused.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { errorResponse } from './pgframes.js'

export type Direction = 'to-server' | 'to-client'

export interface Passing {
  /** Connections are counted from 0 since the last `arm()`. */
  readonly connection: number
  readonly direction: Direction
  /** Of its connection and direction, from 1. */
  readonly n: number
  /** The message's letter, else `startup`, `ssl`, `gss` or `cancel`. */
  readonly type: string
  readonly bytes: Buffer
}

/**
 * What becomes of a connection instead of a message: reset and end are RST and FIN to the client; truncate is its first
 * half and then RST; terminated is FATAL 57P01 and FIN; hang is silence on open connections. `-alone` leaves the
 * server's side open until `settle()`: it sees neither FIN nor RST, as when a client's machine loses its power.
 */
export type Cut = 'reset' | 'end' | 'reset-alone' | 'end-alone' | 'truncate' | 'terminated' | 'hang'

export interface Cutter {
  readonly host: string
  readonly port: number
  /** All messages since the last `arm()`, of every connection. */
  readonly messages: readonly Passing[]
  /** Cuts made since the last `arm()`. */
  readonly cuts: number
  /** Connections whose client has not closed yet. */
  readonly open: number
  /** Asks `judge` about every message from now on, and counts anew. */
  arm(judge?: (message: Passing) => Cut | undefined): void
  /** Does the same to every open connection, now. */
  cutAll(cut: Cut): void
  /** Ends the server's side of what was cut, and resolves when the server has closed it. */
  settle(): Promise<void>
  /** Resolves once no connection is left, on either side. */
  drained(): Promise<void>
  close(): Promise<void>
}

const TERMINATE = Buffer.from([0x58, 0, 0, 0, 4])
const UNTYPED: Record<number, string> = { 80877102: 'cancel', 80877103: 'ssl', 80877104: 'gss' }

export async function startCutter(server: { host: string; port: number }): Promise<Cutter> {
  let judge: (message: Passing) => Cut | undefined = () => undefined
  let messages: Passing[] = []
  let [accepted, cuts] = [0, 0]
  const pairs = new Set<Pair>()
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const connection = accepted++
    const pair = new Pair(socket, server, message => {
      const seen = { ...message, connection }
      messages.push(seen)
      const cut = judge(seen)
      if (cut) cuts++
      return cut
    })
    pairs.add(pair)
    void pair.closed.then(() => pairs.delete(pair))
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  return {
    host: '127.0.0.1',
    port,
    get messages() {
      return messages
    },
    get cuts() {
      return cuts
    },
    get open() {
      return [...pairs].filter(pair => !pair.client.destroyed).length
    },
    arm(next = () => undefined) {
      judge = next
      messages = []
      accepted = cuts = 0
    },
    cutAll(cut) {
      for (const pair of pairs) if (!pair.isCut) pair.cut(cut)
    },
    async settle() {
      await Promise.all([...pairs].filter(pair => pair.isCut).map(pair => pair.settle()))
    },
    async drained() {
      await Promise.all([...pairs].map(pair => pair.closed))
    },
    async close() {
      for (const pair of pairs) if (!pair.isCut) pair.cut('reset')
      const closed = once(listener, 'close')
      listener.close()
      await Promise.all([...pairs].map(pair => pair.settle()))
      await closed
    },
  }
}

type Asked = Omit<Passing, 'connection'>

class Pair {
  readonly upstream: Socket
  /** When both sides are. */
  readonly closed: Promise<unknown>
  isCut = false
  #typed = false
  readonly #rest: Record<Direction, Buffer> = { 'to-server': Buffer.alloc(0), 'to-client': Buffer.alloc(0) }
  readonly #counts: Record<Direction, number> = { 'to-server': 0, 'to-client': 0 }

  constructor(
    readonly client: Socket,
    server: { host: string; port: number },
    readonly ask: (message: Asked) => Cut | undefined,
  ) {
    this.upstream = connect({ ...server, allowHalfOpen: true, noDelay: true })
    const ends = [client, this.upstream].map(socket => new Promise(resolve => socket.once('close', resolve)))
    this.closed = Promise.all(ends)
    for (const socket of [client, this.upstream]) socket.on('error', () => {})
    client.on('data', chunk => this.#pass('to-server', chunk))
    this.upstream.on('data', chunk => this.#pass('to-client', chunk))
    client.on('end', () => !this.isCut && this.upstream.end())
    this.upstream.on('end', () => (this.isCut ? this.upstream.end() : client.end()))
    client.on('close', () => !this.isCut && this.upstream.destroy())
    this.upstream.on('close', () => !this.isCut && client.end())
  }

  #pass(direction: Direction, chunk: Buffer): void {
    if (this.isCut) return
    let rest = Buffer.concat([this.#rest[direction], chunk])
    for (let size = this.#size(direction, rest); size; size = this.#size(direction, rest)) {
      const bytes = rest.subarray(0, size)
      rest = rest.subarray(size)
      this.#one(direction, bytes)
      if (this.isCut) return
    }
    this.#rest[direction] = rest
  }

  /** Of the first message, once it is whole. */
  #size(direction: Direction, bytes: Buffer): number | undefined {
    const head = direction === 'to-client' || this.#typed ? 1 : 0
    if (bytes.length < head + 4) return undefined
    const size = head + bytes.readInt32BE(head)
    return size <= bytes.length ? size : undefined
  }

  #one(direction: Direction, bytes: Buffer): void {
    const first = direction === 'to-server' && !this.#typed
    const type = first ? (UNTYPED[bytes.readInt32BE(4)] ?? 'startup') : bytes.toString('latin1', 0, 1)
    if (type === 'startup' || type === 'cancel') this.#typed = true
    const cut = this.ask({ direction, n: ++this.#counts[direction], type, bytes })
    if (cut) this.cut(cut, direction === 'to-client' ? bytes : undefined)
    else if (type === 'ssl' || type === 'gss') this.client.write('N')
    else (direction === 'to-server' ? this.upstream : this.client).write(bytes)
  }

  cut(cut: Cut, instead?: Buffer): void {
    this.isCut = true
    if (cut === 'hang') return
    if (cut === 'truncate' && instead) this.client.write(instead.subarray(0, Math.ceil(instead.length / 2)))
    if (cut === 'terminated') this.client.write(errorResponse(SHUTDOWN))
    if (cut === 'end' || cut === 'end-alone' || cut === 'terminated') this.client.end()
    else void this.#reset()
    if (!cut.endsWith('-alone')) this.#leave()
  }

  /** An RST discards what the client has not read yet: it is of this process, and reads in its next turns. */
  async #reset(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
    this.client.resetAndDestroy()
  }

  /** What the server was sent before counts, and nothing after it. */
  #leave(): void {
    if (this.upstream.destroyed || this.upstream.writableEnded) return
    if (this.#typed) this.upstream.end(TERMINATE)
    else this.upstream.end()
  }

  async settle(): Promise<void> {
    this.#leave()
    if (!this.upstream.closed) await new Promise(resolve => this.upstream.once('close', resolve))
    this.client.destroy()
    await this.closed
  }
}

const SHUTDOWN = {
  code: '57P01',
  message: 'terminating connection due to administrator command',
  routine: 'ProcessInterrupts',
}
