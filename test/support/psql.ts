import { postgresProgram } from './postgres-cluster.js'
import { runOk } from './run.js'

/** How the harness' own sessions name themselves, so that they are not counted. */
export const HARNESS = 'holdfast-harness'

/** Runs statements as the superuser over the socket and resolves with the unaligned output. */
export async function psql(
  text: string,
  database: string,
  server: { socketDir: string; port: number },
): Promise<string> {
  const format = ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1']
  const where = ['-h', server.socketDir, '-p', String(server.port), '-U', 'postgres', '-d', database]
  const env = { PGAPPNAME: HARNESS, PGOPTIONS: '' }
  const output = await runOk(postgresProgram('psql'), [...format, ...where], { input: text, env })
  return output.trim()
}
