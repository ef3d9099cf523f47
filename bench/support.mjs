// The harness of the tests starts the servers.
import { createJiti } from 'jiti'

const jiti = createJiti(import.meta.url)
export const { startPostgres } = await jiti.import('../test/support/postgres.ts')
export const { freePort } = await jiti.import('../test/support/root.ts')
export const { appUrl, postgresReadyAt } = await jiti.import('../test/races/race.ts')
