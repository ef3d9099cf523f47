import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Link, LinkError } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { TlsMode } from '../core/tls.js'
import { untilAborted } from './resolve.js'

/** True for what Node says of a connection that ended during the TLS handshake. */
const beforeTls = (error: unknown): boolean =>
  error instanceof Error && /before secure TLS connection/.test(error.message)

const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/

/** Reads from a connected socket in exact amounts, and can turn it into TLS half-way. */
export class SocketLink implements Link {
  secure = false
  readonly address: string
  readonly local: boolean
  readonly closed: Promise<void>
  #socket: Socket
  #chunks: Buffer[] = []
  #size = 0
  #ended: unknown
  #wake: (() => void) | undefined
  #markClosed: () => void = () => {}
  readonly #heard: () => void

  constructor(
    socket: Socket,
    readonly target: Target,
    /** The name that TLS verifies. */
    readonly host: string,
    readonly signal: AbortSignal,
    heard: () => void = () => {},
  ) {
    this.#socket = socket
    this.#heard = heard
    this.address = socket.remoteAddress ?? 'unix'
    this.local = socket.remoteAddress === undefined || LOOPBACK.test(socket.remoteAddress)
    this.closed = new Promise(resolve => {
      this.#markClosed = resolve
    })
    this.#listen(socket)
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#heard()
      this.#chunks.push(chunk)
      this.#size += chunk.length
      // A peer that talks without being asked is not buffered without bound.
      if (this.#size > 1 << 20) socket.pause()
      this.#wake?.()
    })
    socket.on('error', error => this.#end(error))
    socket.on('end', () => this.#end(new LinkError('the server closed the connection')))
    socket.on('close', () => this.#end(new LinkError('the connection closed')))
  }

  #end(why: unknown): void {
    this.#ended ??= why
    this.#markClosed()
    this.#wake?.()
  }

  get stream(): Socket {
    this.#socket.removeAllListeners('data')
    this.#socket.once('data', this.#heard)
    return this.#socket
  }

  get peerCertificate(): Uint8Array | undefined {
    return this.secure ? (this.#socket as TLSSocket).getPeerCertificate().raw : undefined
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  async #until(enough: () => boolean): Promise<void> {
    while (!enough()) {
      if (this.#ended) throw this.#ended
      if (this.#socket.isPaused()) this.#socket.resume()
      const woken = new Promise<void>(resolve => {
        this.#wake = resolve
      })
      await untilAborted(woken, this.signal)
    }
  }

  #all(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #take(n: number): Buffer {
    const all = this.#all()
    this.#chunks = n < all.length ? [all.subarray(n)] : []
    this.#size = all.length - n
    return all.subarray(0, n)
  }

  async read(n: number): Promise<Buffer> {
    await this.#until(() => this.#size >= n)
    return this.#take(n)
  }

  async readLine(limit: number): Promise<string> {
    let end = -1
    await this.#until(() => {
      end = this.#all().indexOf('\r\n')
      // Its end may still be on the way.
      return end >= 0 || this.#size > limit + 1
    })
    if (end < 0 || end > limit) throw new LinkError(`no line end within ${limit} bytes`)
    return this.#take(end + 2)
      .subarray(0, end)
      .toString('utf8')
  }

  async peek(): Promise<Buffer> {
    await this.#until(() => this.#size > 0)
    return this.#all()
  }

  async startTls({ alpn, mode }: { alpn?: string; mode?: TlsMode } = {}): Promise<void> {
    // Loaded when it is needed: node:tls costs a fifth of a cold start.
    const { startTls } = await import('./tls.js')
    // Bytes from before the handshake would be taken for protected ones (CVE-2021-23222).
    if (this.#size > 0)
      throw new LinkError('the server sent plain bytes before the TLS handshake', this.#all())
    // On a stream that has ended a handshake would wait for ever.
    if (this.#ended) throw this.#ended
    const socket = this.#socket.removeAllListeners()
    const { service } = this.target
    const tls = mode ? { ...this.target.tls, mode } : this.target.tls
    const libpqFiles = service === 'postgres'
    const { host, signal } = this
    try {
      this.#socket = await startTls(socket, { ...(alpn ? { alpn } : {}), tls, host, signal, libpqFiles })
    } catch (error) {
      // A published port whose container does not listen yet: nothing is known of its TLS.
      if (socket.bytesRead === 0 && beforeTls(error)) throw new LinkError('the server closed the connection')
      throw error
    } finally {
      if (socket.bytesRead > 0) this.#heard()
    }
    this.#listen(this.#socket)
    this.secure = true
  }

  close(): void {
    this.#socket.destroy()
    this.#end(new LinkError('closed here'))
  }
}
