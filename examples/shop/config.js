/**
 * All that the shop is told comes from the environment, and is read here only.
 *
 *   DATABASE_URL           postgres://…, required; a password may be in PGPASSWORD instead
 *   REDIS_URL              redis://…, required
 *   PORT                   default 3000; 0 takes a free one
 *   POOL_MAX               connections of one process, default 10
 *   ACQUIRE_TIMEOUT_MS     how long a request waits for one of them, default 30000
 *   STATEMENT_TIMEOUT_MS   how long a statement may take, default 60000
 *   DRAIN_MS               how long the server goes on after SIGTERM, while /readyz says 503; default 0
 */
export function readConfig(env = process.env) {
  const problems = []
  const address = (name, pattern, fits = () => true) => {
    const value = env[name] ?? ''
    if (!pattern.test(value) || !fits(value))
      problems.push(`${name} must be an address like ${pattern.source}`)
    return value
  }
  const integer = (name, fallback, min, max) => {
    const value = /^\d+$/.test(env[name] || fallback) ? Number(env[name] || fallback) : Number.NaN
    if (!(value >= min && value <= max)) problems.push(`${name} must be an integer from ${min} to ${max}`)
    return value
  }
  const config = {
    databaseUrl: address('DATABASE_URL', /^postgres(ql)?:\/\//),
    redisUrl: address('REDIS_URL', /^rediss?:\/\//, URL.canParse),
    port: integer('PORT', 3000, 0, 65535),
    poolMax: integer('POOL_MAX', 10, 1, 1000),
    acquireTimeoutMs: integer('ACQUIRE_TIMEOUT_MS', 30_000, 1, 600_000),
    statementTimeoutMs: integer('STATEMENT_TIMEOUT_MS', 60_000, 1, 600_000),
    drainMs: integer('DRAIN_MS', 0, 0, 600_000),
  }
  if (problems.length > 0) throw new Error(problems.join('; '))
  return config
}

export const configOrExit = () => orExit(readConfig)

/** What `read` makes of the configuration, or a line of its mistakes and the status of a wrong one. */
export function orExit(read) {
  try {
    return read()
  } catch (error) {
    console.error(`shop: ${error.message}`)
    process.exit(78)
  }
}
