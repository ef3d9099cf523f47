import { failure, suppress } from '../told.js'
import { guard, type Lender } from './custody.js'
import type { AcquireOptions, Client } from './types.js'

/** A client for `work`, which goes back when it is over: closed where it broke, or was left in a transaction. */
export async function runWithConnection<T>(
  pool: Lender,
  work: (client: Client) => Promise<T>,
  options: AcquireOptions = {},
): Promise<T> {
  const client = await pool.connect(options)
  const loan = guard(client, { by: 'withConnection()', signal: options.signal })
  let first: unknown
  try {
    const value = await work(loan.client)
    if (!client.broken && inTransaction(client)) throw leftOpen()
    return value
  } catch (error) {
    first = error
    throw error
  } finally {
    loan.end()
    try {
      client.release(client.broken ?? (loan.blocked || inTransaction(client)))
    } catch (second) {
      suppress(first, second)
    }
  }
}

/** Its last word; what still runs in it is not waited for. */
const inTransaction = (client: Client): boolean => /^[TE]$/.test(client.getTransactionStatus() ?? '')

const leftOpen = () =>
  failure('client-misuse', 'the function returned within a transaction; it was rolled back', {
    driver: 'pg',
    phase: 'statement',
    sent: true,
    rejected: true,
    advice: 'Commit it before the function returns, or let transaction() begin and end it.',
  })
