import type { ServerRequest } from './isolation.js'

/** Where an Isolation is mounted: on a Unix socket, or below a URL like `http://127.0.0.1:1234/TOKEN`. */
export type Place = { readonly socketPath: string } | { readonly baseUrl: string }

/** A database that was made for somebody. */
export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly database: string
}

/** Speaks to an Isolation, from any process. Holds no connection that would keep its process alive. */
export interface IsolationClient {
  /** @throws HoldfastError where databases may not, or cannot, be made there, with the next step. */
  server(request: ServerRequest): Promise<IsolatedServer>
  close(): void
}

/** One server's templates and clones. */
export interface IsolatedServer {
  /** PostgreSQL's major version, which content hashes hold. */
  readonly major: number
  /**
   * The template of this hash, made by `fill` where there is none: once, however many processes ask.
   * @throws what `fill` threw, in the process that ran it; the template is gone then, and the next one tries again.
   */
  template(hash: string, fill: (database: DatabaseAddress) => Promise<void>): Promise<void>
  /** A clone that nobody else gets, until it is given back. */
  claim(hash: string): Promise<{ id: number; database: DatabaseAddress }>
  /** Gives a clone back: `unchanged` to be handed out again, else it is dropped. */
  giveBack(hash: string, id: number, state: 'unchanged' | 'changed'): Promise<void>
  /** Lets it stay for people to look at. */
  keep(hash: string, id: number, about: { suite?: string; test?: string }): Promise<void>
}
