import { shellWord } from '../../../core/quoting.js'
import { argumentOf, placeOf, psql } from '../edits.js'
import type { Adviser, Case } from './case.js'

/** Who holds the connections, and how many there may be. */
const WHO =
  "SELECT current_setting('max_connections') AS allowed, count(*) AS used, usename, application_name, state FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 3, 4, 5 ORDER BY 2 DESC"

const LISTS: Readonly<Record<string, (of: Case) => string>> = {
  postgres: ({ subject }) => psql(subject, WHO),
  mysql: of => `mysql ${at(of, '-P')}-u root -p -e 'SHOW VARIABLES LIKE "max_connections"; SHOW PROCESSLIST'`,
  redis: of => `redis-cli ${at(of, '-p')}INFO clients`,
}

function at({ subject }: Case, port: string): string {
  const place = placeOf(subject.target)
  return place ? `-h ${shellWord(place.host)} ${port} ${place.port} ` : ''
}

/** No room for another connection: how many there are, whose they are, and how many the program wants. */
export const full: Adviser = of => {
  const { subject, verdict, facts, pool } = of
  const { connectionsUsed: used, connectionsMax: allowed } = facts
  const { message } = verdict.finding
  const counted = used !== undefined && allowed !== undefined ? `; ${used} of ${allowed} are used` : ''
  const { max, processes = 1 } = subject.pool ?? {}
  const wanted =
    pool === undefined ? '' : `; the program's pool of ${max} × ${processes} processes wants ${pool}`
  const [, what] = /too many connections for (role|database)/.exec(message) ?? []
  const raise = what
    ? `raise the ${what}'s limit (ALTER ${what.toUpperCase()} … CONNECTION LIMIT)`
    : 'raise max_connections (a restart)'
  const fix = LISTS[subject.target.service]?.(of)
  return {
    message: `${what ? `the ${what}'s limit of connections is reached` : 'the server is full'}: ${message}${counted}${wanted}`,
    advice:
      subject.target.service === 'postgres'
        ? `Keep pool size × processes below the limit, or ${raise}. Who holds them:`
        : "Keep pool size × processes below the server's limit. Who holds them:",
    ...(fix ? { fix } : {}),
  }
}

/** It is on its way: waiting is what helps. */
export const notReady: Adviser = ({ subject, verdict }) => ({
  advice: verdict.finding.advice ?? "Wait for it; if it lasts, read the server's log:",
  fix: `holdfast wait ${argumentOf(subject)}`.trim(),
})

/** What the database lacks, and the command that brings it. */
export const schemaLacks: Adviser = ({ subject, verdict, migrate }) => {
  const extensions = [...verdict.finding.message.matchAll(/extension ([\w-]+)/g)].map(([, one = '']) => one)
  if (migrate) return { advice: 'Run the migrations:', fix: migrate }
  if (extensions.length > 0 && subject.target.service === 'postgres')
    return {
      advice: 'Create the extensions, and run the migrations for the rest:',
      fix: psql(
        subject,
        extensions.map(one => `CREATE EXTENSION IF NOT EXISTS "${one}";`).join(' '),
        subject.target.database ?? subject.target.user,
      ),
    }
  return { advice: 'Run the migrations; with run.migrate in holdfast.config their command is named here.' }
}
