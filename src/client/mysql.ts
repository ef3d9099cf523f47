import { targetOf } from '../gate/address.js'
import { retrying } from './again.js'
import { peer } from './checked.js'
import { type Connection, Session } from './mysql/connection.js'
import { driverOptions, type MysqlOptions, mysqlLimits, setup } from './mysql/options.js'
import { guardPool, type MysqlPool, type MysqlPoolState } from './mysql/pool.js'
import type { MysqlTransactionOptions } from './mysql/transaction.js'
import { told } from './told.js'

export type { Told } from './told.js'
export type { Connection, MysqlOptions, MysqlPool, MysqlPoolState, MysqlTransactionOptions }

const driver = () => peer('holdfast/mysql', 'mysql2', () => import('mysql2/promise'))

/**
 * A pool of mysql2/promise, with `transaction` and `withConnection`: waiting ends, attempts to connect are repeated by the table, a connection
 * that was lost, timed out or left in a transaction is closed, and each error carries `holdfast`: reason, phase, outcome.
 * Nothing is connected before the first query.
 * @param target `mysql://user:password@host:3306/app?sslmode=verify-full`, `mariadb://`, `mysql+unix://`, `env:MYSQL_URL`.
 * @throws HoldfastError (usage) for an address or option that cannot be used, or where mysql2 is not installed.
 */
export async function createPool(target: string, options: MysqlOptions = {}): Promise<MysqlPool> {
  const limits = mysqlLimits(options)
  const parsed = targetOf(target, 'mysql')
  const settings = driverOptions(parsed, options, limits)
  const { createPool: create } = await driver()
  return guardPool(create(settings), options.name ?? parsed.name, limits, options.signal)
}

/** One connection of mysql2/promise, connected. @throws the driver's error, told, when the table says to stop, or the time is up. */
export async function connect(target: string, options: MysqlOptions = {}): Promise<Connection> {
  const limits = mysqlLimits(options)
  const parsed = targetOf(target, 'mysql')
  const {
    connectionLimit: _,
    maxIdle: __,
    idleTimeout: ___,
    waitForConnections: ____,
    queueLimit: _____,
    ...settings
  } = driverOptions(parsed, options, limits)
  const { createConnection } = await driver()
  return retrying(async (_attempt, signal) => {
    try {
      const made = createConnection(settings).then(it => it as unknown as Connection)
      const connection = await untilCut(made, signal)
      const session = new Session(connection, limits.query_timeout, options.name ?? parsed.name)
      await prepared(connection, setup(limits), signal)
      session.inTransaction = false
      return connection
    } catch (error) {
      throw signal.aborted ? error : told(error, { driver: 'mysql2', phase: 'connect' })
    }
  }, options)
}

/** What is there too late is closed. */
function untilCut(made: Promise<Connection>, signal: AbortSignal): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      made.then(
        connection => connection.destroy(),
        () => {},
      )
      reject(signal.reason)
    }
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    made.then(resolve, reject)
  })
}

async function prepared(connection: Connection, sql: string, signal: AbortSignal): Promise<void> {
  const stop = () => connection.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    await connection.query(sql)
  } catch (error) {
    connection.destroy()
    throw signal.aborted ? signal.reason : error
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
