import type { Reaper } from '../io/reaper.js'
import type { Environment } from './owned/directories.js'

/** A server that holdfast started in place of one that is absent, and that it ends. */
export interface StandIn {
  readonly service: string
  /** The rung that it came from, for scripts and statistics: `system-postgres`. */
  readonly name: string
  /** For people: `PostgreSQL 15.18 (system binaries)`. */
  readonly label: string
  /** With the password: for the environment of a command, never for a log. */
  readonly url: string
  readonly version: string
  /** True where nothing listens, and `url` names a file: there is nothing to probe. */
  readonly serverless?: boolean
  /** The rung whose capabilities (capabilities.ts) it has, where that is not its own. */
  readonly like?: string
  /** How long it took to start, in milliseconds. */
  readonly startedMs: number
  /** Where it is noticed: resolves once the server is gone, however that came. */
  readonly ended?: Promise<unknown> | undefined
  /** Ends the server and removes its directory. Never rejects because the server is gone already. */
  close(): Promise<void>
}

export interface StandInOptions {
  /** Ends an unfinished start, and leaves nothing. A finished one is ended by `close`. */
  readonly signal: AbortSignal
  /** Ends the server should this process be killed. */
  readonly reaper: Reaper
  /** What the container is made of; pulled where it is missing. Default: the best that is here; none is pulled. */
  readonly image?: string | undefined
  /** Where the server's directory is made. Default: /dev/shm with 512 MB free, else the temporary directory. */
  readonly tmp?: string
  /** How long a start may take, in milliseconds; default 30,000. */
  readonly timeoutMs?: number
  /** Default: the process environment. */
  readonly env?: Environment
  /** The project in which npm packages are looked for. Default: the working directory. */
  readonly cwd?: string
  /** Of the real server, where it is known: the same major version is preferred. */
  readonly version?: string | undefined
  /** Hears of what takes long, a sentence each. */
  readonly onProgress?: ((text: string) => void) | undefined
  /** The next TCP port to try. Default: a random one below those that systems give to outgoing connections. */
  readonly nextPort?: () => number
}
