/**
 * A scripted TCP peer: what it does with a connection is a function that reads, sends and closes, step by
 * step. It answers exactly what the script says, at the moment that the script says it.
 */
import { createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket, type TLSSocketOptions } from 'node:tls'
import { APP_PASSWORD } from './postgres-cluster.js'
import { unreadBytes } from './proc.js'
import { buildUrl, type UrlParts } from './url.js'

export interface PeerConnection {
  /** All that the client has sent so far; inside TLS as plain text. */
  received(): Buffer
  /** Exactly `count` bytes. */
  read(count: number): Promise<Buffer>
  /** At least one byte: whatever has come. */
  readSome(): Promise<Buffer>
  /** Up to and with the given bytes; or everything, once the predicate is true of all that is unread. */
  readUntil(end: string | Uint8Array | ((unread: Buffer) => boolean)): Promise<Buffer>
  /** Resolves when the bytes are with the kernel. */
  send(bytes: Uint8Array | string): Promise<void>
  /** FIN: nothing more comes from here, and what the client still sends is swallowed until it closes. */
  end(): Promise<void>
  /** RST, once the client has read what was sent before (or 1 s later: an RST would discard it). */
  reset(): Promise<void>
  /** Does nothing until the client closes or the peer is closed. */
  hang(): Promise<void>
  /** Takes the part of the server in a TLS handshake. */
  startTls(certificate: { cert: string; key: string }, options?: TLSSocketOptions): Promise<void>
}

/**
 * A script that returns ends its connection with FIN; one that throws resets it. A read or a handshake that
 * the client leaves ends the script with `ClientLeft`, which is no error of the peer.
 */
export type Script = (connection: PeerConnection) => Promise<void>

export class ClientLeft extends Error {
  override name = 'ClientLeft'
}

export interface Peer {
  readonly host: string
  readonly port: number
  /** Accepted so far. */
  readonly connections: number
  /** Not closed yet by both sides. */
  readonly open: number
  /** What scripts threw. */
  readonly errors: readonly unknown[]
  /** The address of role and database `app` here. */
  url(scheme: string, overrides?: UrlParts): string
  /** The nth connection, from 1, once it is accepted. */
  waitForConnection(n?: number): Promise<PeerConnection>
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

export interface PeerOptions {
  /** Default 127.0.0.1. */
  host?: string
  /** Default: one that the kernel picks. */
  port?: number
  /** Every connection begins with a TLS handshake. */
  tls?: { cert: string; key: string }
}

export async function startPeer(script: Script, options: PeerOptions = {}): Promise<Peer> {
  const host = options.host ?? '127.0.0.1'
  const accepted: Connection[] = []
  const errors: unknown[] = []
  const waiting: { n: number; resolve: (connection: PeerConnection) => void }[] = []
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const connection = new Connection(socket)
    accepted.push(connection)
    for (const it of waiting) if (it.n <= accepted.length) it.resolve(accepted[it.n - 1] as Connection)
    const play = async () => {
      if (options.tls) await connection.startTls(options.tls)
      await script(connection)
      await connection.end()
    }
    play().catch((error: unknown) => {
      if (!(error instanceof ClientLeft)) errors.push(error)
      void connection.reset()
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port: options.port ?? 0 }, resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    host,
    port,
    get connections() {
      return accepted.length
    },
    get open() {
      return accepted.filter(it => !it.isClosed).length
    },
    errors,
    url: (scheme, overrides) =>
      buildUrl({ scheme, host, port, user: 'app', password: APP_PASSWORD, database: 'app', ...overrides }),
    waitForConnection: (n = 1) =>
      new Promise(resolve => {
        const there = accepted[n - 1]
        if (there) resolve(there)
        else waiting.push({ n, resolve })
      }),
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const it of accepted) it.destroy()
      await closed
    },
  }
}

class Connection implements PeerConnection {
  #raw: Socket
  #stream: Socket
  #all: Buffer[] = []
  #unread = Buffer.alloc(0)
  #ended = false
  #wake = () => {}
  isClosed = false

  constructor(socket: Socket) {
    this.#raw = socket
    this.#stream = socket
    socket.once('close', () => {
      this.isClosed = true
    })
    this.#listen()
  }

  // Always flowing: bytes left unread in the kernel would turn a FIN into an RST when the socket closes.
  #onData = (chunk: Buffer) => {
    this.#all.push(chunk)
    this.#unread = Buffer.concat([this.#unread, chunk])
    this.#wake()
  }

  #onEnd = () => {
    this.#ended = true
    this.#wake()
  }

  #listen() {
    this.#stream.on('data', this.#onData)
    // A client that resets has left as one that closes has.
    this.#stream.on('error', this.#onEnd).on('end', this.#onEnd).on('close', this.#onEnd)
  }

  received(): Buffer {
    return Buffer.concat(this.#all)
  }

  /** Waits until `length` says how many of the unread bytes to take. */
  async #take(length: () => number | undefined): Promise<Buffer> {
    for (;;) {
      const count = length()
      if (count !== undefined) {
        const bytes = this.#unread.subarray(0, count)
        this.#unread = this.#unread.subarray(count)
        return bytes
      }
      if (this.#ended) throw new ClientLeft('the client left while the script was reading')
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  read(count: number): Promise<Buffer> {
    return this.#take(() => (this.#unread.length >= count ? count : undefined))
  }

  readSome(): Promise<Buffer> {
    return this.#take(() => this.#unread.length || undefined)
  }

  readUntil(end: string | Uint8Array | ((unread: Buffer) => boolean)): Promise<Buffer> {
    if (typeof end === 'function') {
      return this.#take(() => (end(this.#unread) ? this.#unread.length : undefined))
    }
    return this.#take(() => {
      const at = this.#unread.indexOf(end)
      return at < 0 ? undefined : at + Buffer.from(end).length
    })
  }

  send(bytes: Uint8Array | string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#stream.write(bytes, error => {
        if (error) reject(new ClientLeft('the client left while the script was sending'))
        else resolve()
      })
    })
  }

  async end(): Promise<void> {
    if (this.isClosed || this.#stream.writableEnded) return
    await new Promise<void>(resolve => {
      this.#raw.once('close', resolve)
      this.#stream.end(resolve)
    })
  }

  async reset(): Promise<void> {
    const { remotePort = 0, localPort = 0 } = this.#raw
    const patience = performance.now() + 1_000
    while (unreadBytes(remotePort, localPort) > 0 && performance.now() < patience) await delay(1)
    if (this.isClosed) return
    const closed = new Promise(resolve => this.#raw.once('close', resolve))
    this.#raw.resetAndDestroy()
    await closed
  }

  async hang(): Promise<void> {
    if (!this.#ended && !this.isClosed) {
      await new Promise(resolve => this.#stream.once('end', resolve).once('close', resolve))
    }
  }

  startTls(certificate: { cert: string; key: string }, options: TLSSocketOptions = {}): Promise<void> {
    const { cert, key } = certificate
    this.#raw.off('data', this.#onData).off('end', this.#onEnd)
    // The client may have begun its handshake already: those bytes belong to it, and would flow to nobody.
    this.#raw.pause()
    if (this.#unread.length > 0) this.#raw.unshift(this.#unread)
    this.#unread = Buffer.alloc(0)
    const secured = new TLSSocket(this.#raw, { isServer: true, cert, key, ...options })
    this.#stream = secured
    this.#listen()
    return new Promise((resolve, reject) => {
      secured.once('secure', resolve)
      secured.once('error', error => reject(new ClientLeft('the TLS handshake failed', { cause: error })))
      // A client that leaves with its last message of the handshake is never told to be secure.
      const left = () => reject(new ClientLeft('the client left during the TLS handshake'))
      secured.once('end', left).once('close', left)
    })
  }

  destroy(): void {
    this.#stream.destroy()
    this.#raw.destroy()
  }
}
