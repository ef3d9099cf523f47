import pg from 'pg'
import type { ClientInternals, ConnectionInternals } from './internals.js'

/** How long a cancel request may take. */
const CANCEL_MS = 5000

/**
 * Asks the server to cancel what this client runs, over a connection of its own. Resolves when the server has taken it
 * or it cannot be reached: the postmaster signals the backend before it closes. Source: PostgreSQL manual, 55.2.9.
 */
export function cancelOnServer(client: pg.Client, config: pg.ClientConfig): Promise<void> {
  const { processID, secretKey } = client as unknown as ClientInternals
  if (processID === null) return Promise.resolve()
  const { host = '', port = 5432 } = config
  const connection = new pg.Connection({
    ssl: config.ssl,
    sslNegotiation: (config as { sslnegotiation?: string }).sslnegotiation,
  } as never) as unknown as ConnectionInternals
  return new Promise(resolve => {
    const timer = setTimeout(() => connection.stream.destroy(), CANCEL_MS)
    timer.unref()
    connection.on('error', () => connection.stream.destroy())
    connection.once('end', () => {
      clearTimeout(timer)
      resolve()
    })
    const send = () => connection.cancel(processID, secretKey)
    const direct = (config as { sslnegotiation?: string }).sslnegotiation === 'direct'
    connection.once('connect', () => {
      if (!config.ssl) send()
      else if (!direct) connection.requestSsl()
    })
    connection.once('sslconnect', send)
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}
