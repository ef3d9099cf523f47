import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Aim } from '../gate/outcome.js'

/** What `POST /servers` takes: a PostgreSQL server on which databases may be made. */
export interface ServerRequest {
  /** With a role that may make databases. */
  readonly url: string
  /** Hosts beyond this machine on which databases may be made and dropped. */
  readonly allowRemote?: readonly string[]
  /** Clones that are kept ready. Default 8. */
  readonly pool?: number
  /** True for a stand-in, which ends with the run: nothing on it needs to be dropped. */
  readonly ours?: boolean
}

export interface IsolationOptions {
  /** Reads an address. Throws HoldfastError (usage) for one that is no PostgreSQL server's. */
  readonly aim: (url: string) => Promise<Aim>
  /** Hears what people should know, a line each. */
  readonly say?: (text: string) => void
  /** Finished templates at the end: `keep` as a cache for later runs (default), or `drop`. */
  readonly templates?: 'keep' | 'drop'
}

/**
 * Databases for tests on any number of servers, over HTTP:
 *
 *     POST /servers ServerRequest → { id }            the same server has the same id
 *     …    /servers/ID/api/v1/…                       IntegreSQL's API, with some more (face.ts)
 */
export class Isolation {
  constructor(readonly options: IsolationOptions) {}

  /** Answers a request to `/servers…`; false for any other, which it leaves untouched. Never rejects. */
  async handle(_request: IncomingMessage, _response: ServerResponse): Promise<boolean> {
    return false
  }

  /** Drops what was made, but for what is kept, and closes every session. */
  async close(): Promise<void> {}
}
