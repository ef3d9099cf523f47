import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'
import { IsolationClient } from '../../src/isolate/client.js'
import { Isolation, type IsolationOptions } from '../../src/isolate/isolation.js'
import { aimOf } from '../../src/testing/database.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'

/** A server whose role `app` may make databases. */
export async function startIsolable(settings: Record<string, string> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ settings })
  await server.sql('ALTER ROLE app CREATEDB', 'postgres')
  return server
}

/** Names of databases that begin with `holdfast_`, sorted. */
export const databasesOf = async (server: PostgresServer, like = 'holdfast\\_%'): Promise<string[]> => {
  const text = await server.sql(
    `SELECT datname FROM pg_database WHERE datname LIKE '${like}' ORDER BY 1`,
    'postgres',
  )
  return text.split('\n').filter(Boolean)
}

export interface Mounted {
  readonly isolation: Isolation
  readonly client: IsolationClient
  readonly baseUrl: string
  readonly said: string[]
  close(): Promise<void>
}

/** An Isolation behind a port, as the keeper mounts it; closed at the end of the test. */
export async function mount(options: Partial<IsolationOptions> = {}): Promise<Mounted> {
  const said: string[] = []
  const isolation = new Isolation({ aim: aimOf, say: text => said.push(text), ...options })
  const http = createServer((request, response) => void isolation.handle(request, response))
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(http.address() as { port: number }).port}`
  const client = new IsolationClient({ baseUrl })
  const close = async () => {
    client.close()
    await isolation.close()
    http.closeAllConnections()
    await new Promise(resolve => http.close(resolve))
  }
  onTestFinished(close)
  return { isolation, client, baseUrl, said, close }
}
