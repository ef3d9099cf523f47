type Level = 'info' | 'warning' | 'error'
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
    | {
        tables?: string[] | undefined
        columns?: string[] | undefined
        extensions?: string[] | undefined
        /** The last migration that must have been applied, as the migration tool names it. */
        migration?: string | undefined
      }
    | undefined
  /** The program's pool: at most `max` connections in each of `processes` processes (default 1). */
  pool?: { max: number; processes?: number | undefined } | undefined
  /** For HTTP: the expected status, like `200-299,304`. Default any 2xx. */
  status?: string | number | undefined
  /** For HTTP: text that the body must contain. */
  body?: string | undefined
}

/** What an environment variable must hold. */
export interface VariableConfig {
  /** Default `string`. */
  type?: 'string' | 'integer' | 'number' | 'boolean' | 'port' | 'url' | 'duration' | 'path' | undefined
  /** Default true. */
  required?: boolean | undefined
  /** For numbers and durations (in milliseconds). */
  min?: number | undefined
  max?: number | undefined
  /** The only values that are allowed. */
  oneOf?: string[] | undefined
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
  /** The environment variables that the program reads. */
  environment?: Record<string, VariableConfig> | undefined
  doctor?:
    | {
        /** Connections of the concurrent examination. Default 20. */
        connections?: number | undefined
        /** How many of them must answer, in percent. Default 80. */
        threshold?: number | undefined
      }
    | undefined
  check?:
    | {
        /** From which level a finding fails. Default `error`; in the deploy stage of `run` `warning`. */
        failLevel?: Level | undefined
        /** Findings that do not count, each with the reason why. */
        silence?: Record<string, string> | undefined
      }
    | undefined
  run?:
    | {
        /** A command that brings the schema up to date; run once, however many replicas start. */
        migrate?: string | undefined
        /** A command that proves that COMMAND could start: its modules load. */
        smoke?: string | undefined
        /** Where the started COMMAND answers, for `--validate`. */
        health?: string | undefined
      }
    | undefined
}

/** Types a configuration: `export default defineConfig({ targets: { db: 'env:DATABASE_URL' } })`. */
export const defineConfig = (config: Config): Config => config
