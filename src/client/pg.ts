import { usage } from '../core/errors.js'
import { targetOf } from '../gate/address.js'
import { SoundPool } from './pg/pool.js'
import { settingsOf } from './pg/settings.js'
import type { AcquireOptions, Client, Pool, PoolOptions, TransactionOptions } from './pg/types.js'

export { type CommitTokens, type CommitTokensOptions, commitTokens } from './pg/tokens.js'
export { txidStatus } from './pg/txid.js'
export type * from './pg/types.js'
export type { Told } from './told.js'

/**
 * A pool of connections to PostgreSQL with node-postgres' interface: `postgres://app@db:5432/app`, several hosts,
 * `env:DATABASE_URL` or a libpq connection string. Connects when it is first used. Options: docs/client.md.
 * @throws HoldfastError (usage) naming the option and the value.
 */
export function createPool(target: string, options: PoolOptions = {}): Pool {
  if (process.env.NODE_PG_FORCE_NATIVE)
    throw usage('NODE_PG_FORCE_NATIVE: holdfast/pg needs the JavaScript client of pg; unset the variable')
  const parsed = targetOf(target, 'postgres')
  return new SoundPool(parsed, settingsOf(options, parsed)) as unknown as Pool
}

/**
 * One connection, with the attempts of a pool; `end()` closes it.
 * @throws the error of the last attempt, with its verdict in `holdfast`.
 */
export async function connect(target: string, options: PoolOptions = {}): Promise<Client> {
  const acquireTimeoutMillis = options?.connectDeadlineMillis ?? 120_000
  const pool = createPool(target, { acquireTimeoutMillis, ...options, max: 1, min: 0 })
  try {
    const client = await pool.connect()
    const release = client.release
    const end = client.end
    const close = async () => {
      Object.assign(client, { release, end })
      release(true)
      await pool.end()
    }
    return Object.assign(client, { release: close, end: close }) as unknown as Client
  } catch (error) {
    await pool.end()
    throw error
  }
}

/** Checks a client out for `work`, and gives it back; a statement that comes later is refused. */
export const withConnection = <T>(
  pool: Pool,
  work: (client: Client) => Promise<T>,
  options?: AcquireOptions,
): Promise<T> => pool.withConnection(work, options)

/**
 * Runs `work` in one transaction: resolves once COMMIT was answered, else nothing of it took effect, or the error says
 * that this is not known (08007). docs/client-transactions.md.
 */
export const transaction = <T, P = unknown>(
  pool: Pool,
  work: (client: Client) => Promise<T>,
  options?: TransactionOptions<P>,
): Promise<T> => pool.transaction(work, options)
