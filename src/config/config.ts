type Until = 'tcp' | 'auth' | 'query' | 'write' | 'schema'

/** One target with its expectations. */
export interface TargetConfig {
  /** A URL, `env:VARIABLE`, `exec:COMMAND` or a libpq connection string. */
  url: string
  /** How deep a probe goes. Default `query`. */
  until?: Until | undefined
  /** SQL that must return a row whose first value is not false. */
  query?: string | string[] | undefined
  /** What the database must hold, for `until: 'schema'`. */
  schema?:
    | { tables?: string[] | undefined; columns?: string[] | undefined; extensions?: string[] | undefined }
    | undefined
  /** For HTTP: the expected status, like `200-299,304`. Default any 2xx. */
  status?: string | number | undefined
  /** For HTTP: text that the body must contain. */
  body?: string | undefined
}

/** What `holdfast.config.*` may hold. Durations are written like `250ms`, `5s`, `2m`. */
export interface Config {
  /** The targets, under their names. */
  targets?: Record<string, string | TargetConfig> | undefined
  /** For a whole verb. Default `60s`. */
  timeout?: string | undefined
  /** For one attempt. Default `5s`. */
  attemptTimeout?: string | undefined
  /** How long a reason that does not heal must persist. Default `3s`. */
  grace?: string | undefined
  /** How long the server must have been the same one. Default `0s`. */
  stable?: string | undefined
  /** Simultaneous connections that must answer. Default 1. */
  connections?: number | undefined
  /** How deep a probe goes, for every target that does not say itself. Default `query`. */
  until?: Until | undefined
  test?:
    | {
        /** Services that COMMAND needs although no address names them: `redis`, or `CACHE_URL=redis`. */
        services?: string[] | undefined
        /** What a stand-in must be able to do: `concurrency`, `redis.streams`; docs/test.md lists them. */
        needs?: string[] | undefined
        /** In CI, allow a stand-in although an address is configured. Default false. */
        allowStandIn?: boolean | undefined
        /** In CI, allow a skip although an address is configured. Default false. */
        allowSkip?: boolean | undefined
      }
    | undefined
}

/** Types a configuration: `export default defineConfig({ targets: { db: 'env:DATABASE_URL' } })`. */
export const defineConfig = (config: Config): Config => config
