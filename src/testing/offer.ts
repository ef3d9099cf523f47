import type { IsolationConfig } from '../config/config.js'
import { plain } from '../core/redact.js'
import { farHosts } from '../io/near.js'
import { Isolation } from '../isolate/isolation.js'
import { listen } from '../isolate/listen.js'
import { loadService } from '../services/registry.js'
import { lacking } from '../standin/capabilities.js'
import { aimOf } from './database.js'
import type { Served } from './served.js'

/** IntegreSQL's API for COMMAND. */
export interface Offer {
  /** What leads its clients there, where nothing else does. */
  readonly env: Readonly<Record<string, string>>
  /** Drops every database that was made, but for those that are kept. */
  close(): Promise<void>
}

/**
 * Serves IntegreSQL's API for the first PostgreSQL that COMMAND gets, where databases may be made: a stand-in that can,
 * the real one on this machine, or at a host that the configuration names. Nothing is connected before somebody asks.
 */
export async function offerDatabases(
  served: readonly Served[],
  env: NodeJS.ProcessEnv,
  { pool, allowRemote = [] }: IsolationConfig = {},
  say: (text: string) => void = () => {},
): Promise<Offer | undefined> {
  const server = (await Promise.all(served.map(one => serverOf(one, allowRemote)))).find(Boolean)
  if (!server) return undefined
  const isolation = new Isolation({
    aim: aimOf,
    main: { ...server, allowRemote, ...(pool ? { pool } : {}) },
    say: text => say(`holdfast: databases for tests: ${plain(text)}`),
    templates: 'drop',
  })
  const { baseUrl, close } = await listen(isolation)
  const variables = {
    INTEGRESQL_CLIENT_BASE_URL: `${baseUrl}/api`,
    INTEGRESQL_CLIENT_API_VERSION: 'v1',
    HOLDFAST_INTEGRESQL_URL: `${baseUrl}/`,
  }
  return {
    env: Object.fromEntries(Object.entries(variables).filter(([name]) => !env[name])),
    async close() {
      close()
      await isolation.close()
    },
  }
}

async function serverOf({ service, wanted, choice }: Served, allowRemote: readonly string[]) {
  if (service !== 'postgres') return undefined
  if (choice.decision === 'stand-in') {
    const { name, url } = choice.standIn
    return lacking(service, name, ['databases']).length === 0
      ? { aim: await aimOf(url), ours: true }
      : undefined
  }
  if (choice.decision !== 'real' || !wanted) return undefined
  const { target } = wanted
  if ((await farHosts([target], allowRemote)).length > 0) return undefined
  return { aim: { target, service: await loadService(service) }, ours: false }
}
