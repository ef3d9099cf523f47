import type { Client, TransactionOptions } from './types.js'

interface Source {
  connect(options?: { signal?: AbortSignal }): Promise<Client>
}

/** Replaced by the whole of it. */
export async function runTransaction<T>(
  pool: Source,
  work: (client: Client) => Promise<T>,
  { signal }: TransactionOptions = {},
): Promise<T> {
  const client = await pool.connect(signal ? { signal } : {})
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}
