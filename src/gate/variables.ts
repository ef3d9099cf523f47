export type Env = Readonly<Record<string, string | undefined>>

/** How the environment names a target: one variable with a URL, or libpq's or Django's family of variables. */
export type Source =
  | { readonly kind: 'url'; readonly variable: string }
  | { readonly kind: 'pg' }
  | { readonly kind: 'db' }

/** Variables that hold one address. */
export const URL_VARIABLES = [
  'DATABASE_URL',
  'POSTGRES_URL',
  'POSTGRESQL_URL',
  'REDIS_URL',
  'VALKEY_URL',
  'CLICKHOUSE_URL',
  'MYSQL_URL',
  'MARIADB_URL',
  'MONGODB_URI',
  'MONGODB_URL',
  'AMQP_URL',
  'RABBITMQ_URL',
  'NATS_URL',
  'KAFKA_URL',
  'MQTT_URL',
  'MEMCACHED_URL',
] as const

/** libpq's variables and the keywords they stand for. Source: PostgreSQL manual, section 34.15. */
export const PG_VARIABLES: Readonly<Record<string, string>> = {
  PGHOST: 'host',
  PGHOSTADDR: 'hostaddr',
  PGPORT: 'port',
  PGDATABASE: 'dbname',
  PGUSER: 'user',
  PGPASSWORD: 'password',
  PGSSLMODE: 'sslmode',
  PGSSLROOTCERT: 'sslrootcert',
  PGSSLCERT: 'sslcert',
  PGSSLKEY: 'sslkey',
  PGSSLNEGOTIATION: 'sslnegotiation',
  PGREQUIREAUTH: 'require_auth',
  PGCHANNELBINDING: 'channel_binding',
  PGAPPNAME: 'application_name',
  PGOPTIONS: 'options',
  PGTARGETSESSIONATTRS: 'target_session_attrs',
  PGSERVICE: 'service',
  PGPASSFILE: 'passfile',
}

/** The habit of Laravel, and that of Django and Compose, which counts where both are there. */
export const DB_VARIABLES: Readonly<Record<string, string>> = {
  DB_HOST: 'host',
  DB_PORT: 'port',
  DB_DATABASE: 'dbname',
  DB_USERNAME: 'user',
  DB_NAME: 'dbname',
  DB_USER: 'user',
  DB_PASSWORD: 'password',
  DB_SSL_MODE: 'sslmode',
}

/** What libpq would take from the environment where an address is silent. */
export function libpqDefaults(env: Env, user?: string): Map<string, string> {
  const defaults = keywords(env, PG_VARIABLES)
  if (user && !defaults.has('user')) defaults.set('user', user)
  return defaults
}

/** What the environment holds of a family of variables, under the keywords they stand for. */
export function keywords(env: Env, variables: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(
    Object.entries(variables).flatMap(([variable, keyword]) => {
      const value = env[variable]
      return value ? [[keyword, value] as const] : []
    }),
  )
}
