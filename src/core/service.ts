import type { Concern } from './concern.js'
import type { Target } from './target.js'
import type { TlsMode } from './tls.js'
import type { Finding, Layer, Server } from './verdict.js'

/** A connected byte stream. Every wait ends with the attempt's signal. */
export interface Link {
  /** True once TLS protects it. */
  readonly secure: boolean
  /** The address that was reached, without the port. */
  readonly address: string
  /** True when the other end is on this machine: loopback or a Unix socket. */
  readonly local: boolean
  write(bytes: Uint8Array): void
  /** Exactly `n` bytes. Rejects with a LinkError when the stream ends first. */
  read(n: number): Promise<Uint8Array>
  /** Up to and without CR LF; rejects past `limit` bytes. */
  readLine(limit: number): Promise<string>
  /** What has been received but not read, waiting for the first byte where there is none. */
  peek(): Promise<Uint8Array>
  /** Starts TLS by the target's settings, or by another mode. Refuses while plaintext is buffered. */
  startTls(options?: { alpn?: string; mode?: TlsMode }): Promise<void>
  /** The server's certificate in DER, under TLS. */
  readonly peerCertificate: Uint8Array | undefined
  /** The node:stream Duplex, for a library that speaks the protocol itself. */
  readonly stream: unknown
  /** Resolves when the other side ended the stream, or it broke. */
  readonly closed: Promise<void>
  close(): void
}

/** One try to reach a target. It records each step, so that a deadline names the step that hangs. */
export interface Attempt {
  readonly signal: AbortSignal
  /**
   * Connects. A quiet connection is an aside: it goes where the first one went and records no step. With `lastMs` it
   * may outlive the attempt by so many milliseconds, to clear up after it.
   */
  connect(options?: { quiet: boolean; lastMs?: number }): Promise<Link>
  step<T>(layer: Layer, work: () => Promise<T>): Promise<T>
}

export type Row = readonly (string | null)[]

/** What a database is expected to hold. */
export interface Expectation {
  /** `table` or `schema.table`. */
  readonly tables?: readonly string[]
  /** `table.column` or `schema.table.column`. */
  readonly columns?: readonly string[]
  readonly extensions?: readonly string[]
  /** The last migration that must have been applied, as the migration tool names it. */
  readonly migration?: string
}

/** What a server tells of itself beyond being ready. Only read, never changed; what a role may not see is left out. */
export interface Health {
  /** By name, like `connectionsUsed`; milliseconds and bytes where the name ends in `Ms` or `Bytes`. */
  readonly facts: Readonly<Record<string, string | number | boolean>>
  readonly concerns: readonly Concern[]
}

/** An authenticated session that a probe opened. */
export interface Session {
  /** What the handshake told. */
  readonly server: Server
  readonly closed: Promise<unknown>
  /** The cheapest question that only a serving server answers; none where opening asked it already. */
  ping?(): Promise<void>
  /** Version, incarnation and age, as far as they can be read. */
  inspect?(): Promise<Server>
  query?(text: string): Promise<readonly Row[]>
  /**
   * Statements one after another, each its own transaction, sent at once: the server goes on to the next one although
   * this process dies in between, and after an error, too. Resolves with the rows of each; throws the first error.
   */
  series?(texts: readonly string[]): Promise<readonly (readonly Row[])[]>
  /** Writes and takes back, leaving nothing. */
  write?(): Promise<void>
  /** What is missing, or undefined when the expectation is met. */
  missing?(expected: Expectation): Promise<string | undefined>
  health?(): Promise<Health>
  close(): Promise<void>
}

export type Ability = 'query' | 'write' | 'schema'

/** The plug-in contract. To add a service: one folder, one line in the registry, one in the conformance suite. */
export interface Service {
  readonly name: string
  /** What a session of this service can do beyond `ping`. */
  readonly abilities: readonly Ability[]
  /** Goes through handshake and authentication in the wire's own order. Throws a ProbeError, or what the stream threw. */
  open(target: Target, attempt: Attempt): Promise<Session>
  /** What an error of this service or its drivers means; undefined leaves it to the transport rules. */
  classify(error: unknown): Finding | undefined
}

/** An error that already knows its reason. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError'
  constructor(
    readonly finding: Finding,
    readonly server?: Server,
  ) {
    super(finding.message)
  }
}

/** The stream ended before the answer was complete. */
export class LinkError extends Error {
  override readonly name = 'LinkError'
  readonly code = 'EOF'
  constructor(
    message: string,
    /** What came instead of what the protocol allows. */
    readonly bytes?: Uint8Array,
  ) {
    super(message)
  }
}
