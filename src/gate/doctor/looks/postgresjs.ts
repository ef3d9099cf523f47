import { isDsn, parseUrl } from '../../../core/address.js'
import { KEYWORDS } from '../../../core/keywords.js'
import type { Target } from '../../../core/target.js'
import type { Difference } from './difference.js'

/** What postgres.js understands itself, or the server takes as a setting. Source: postgres.js, src/index.js, parseOptions. */
const TAKEN = new Set([
  'sslmode',
  'connect_timeout',
  'target_session_attrs',
  'application_name',
  'client_encoding',
  'options',
  'replication',
  'user',
])

/** postgres.js sends what it does not know in an address to the server, as a setting. */
export function postgresJs({ service, given, hosts }: Target): Difference[] {
  const text = given.reveal()
  if (service !== 'postgres' || isDsn(text)) return []
  const sent = [...parseUrl(text).query.keys()].filter(key => KEYWORDS.includes(key) && !TAKEN.has(key))
  const [host] = hosts
  const found: Difference[] = []
  if (host && 'path' in host)
    found.push({
      id: 'postgres-js-socket',
      drivers: ['postgres'],
      level: 'warning',
      message: 'postgres.js takes no Unix socket from an address, and JDBC none at all',
      advice: 'Give postgres.js the directory by its option host, or connect by TCP.',
    })
  if (sent.length > 0)
    found.push({
      id: 'postgres-js-parameters',
      drivers: ['postgres'],
      level: 'warning',
      message: `postgres.js sends ${sent.join(', ')} to the server as a setting, which rejects the session (42704)`,
      advice: 'Take them out of the address for postgres.js, and give it what they say as options.',
    })
  return found
}
