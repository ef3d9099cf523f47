import type { PostgresServer } from '../support/postgres.js'
import { freePort } from '../support/root.js'

/** Sources of stand-ins that have none for PostgreSQL. */
const NO_STAND_IN = 'chdb'

/** What a suite finds, and what has to become of it. */
export interface Way {
  readonly name: string
  env(server: PostgresServer): Promise<Record<string, string>>
  readonly expected: 'passed' | 'skipped' | 'failed'
  /** What the output says of why; none where the real server serves. */
  readonly says: RegExp | undefined
  /** Of `holdfast test` where it fails; a runner has its own. */
  readonly exitStatus?: number
}

const absent = async (server: PostgresServer) => ({ DATABASE_URL: server.url({ port: await freePort() }) })

export const WAYS: readonly Way[] = [
  {
    name: 'up',
    env: async server => ({ DATABASE_URL: server.url() }),
    expected: 'passed',
    says: undefined,
  },
  {
    name: 'down, stand-in',
    env: absent,
    expected: 'passed',
    says: /connection-refused: .*stands in/,
  },
  {
    name: 'down, no stand-in',
    env: async server => ({ ...(await absent(server)), HOLDFAST_STANDIN: NO_STAND_IN }),
    expected: 'skipped',
    says: /connection-refused: .*No stand-in either/,
  },
  {
    name: 'CI, down, stand-in',
    env: async server => ({ ...(await absent(server)), CI: 'true' }),
    expected: 'failed',
    says: /connection-refused: .*CI=true and an address is configured: .*--allow-stand-in/,
    exitStatus: 69,
  },
  {
    name: 'CI, down, no stand-in',
    env: async server => ({ ...(await absent(server)), HOLDFAST_STANDIN: NO_STAND_IN, CI: 'true' }),
    expected: 'failed',
    says: /connection-refused: .*CI=true and an address is configured: .*--allow-stand-in/,
    exitStatus: 69,
  },
  {
    name: 'wrong password',
    env: async server => ({ DATABASE_URL: server.url({ password: 'not-the-password' }) }),
    expected: 'failed',
    says: /authentication-failed.*nothing may replace it/,
    exitStatus: 78,
  },
]
