import { ProbeError, type Row, type Service, type Session } from '../core/service.js'
import type { Target } from '../core/target.js'
import type { Server } from '../core/verdict.js'
import type { NetAttempt } from './attempt.js'
import { noted } from './farewell.js'
import type { ProbeOptions } from './options.js'

/** Opens a session and asks it all that the options want. Throws where any of it fails; nothing stays open then. */
export async function examine(
  target: Target,
  service: Service,
  attempt: NetAttempt,
  options: ProbeOptions,
): Promise<{ session: Session | undefined; server: Server }> {
  const { until = 'query', connections = 1, queries = [], expect, details = true } = options
  if (until === 'tcp' && target.hosts.length > 0) {
    const link = await attempt.connect()
    link.close()
    return { session: undefined, server: { product: service.name } }
  }
  const session = await service.open(target, attempt)
  try {
    const { ping } = session
    if (ping && until !== 'auth') await attempt.step('query', () => ping.call(session))
    if (connections > 1) await fill(target, service, attempt, connections, session)
    for (const text of queries) await attempt.step('query', () => holds(session, text))
    if (until === 'write')
      await attempt.step('write', () => required(session.write, 'write', service).call(session))
    if (until === 'schema') await attempt.step('schema', () => complete(session, service, expect ?? {}))
    return { session, server: details ? await inspected(session) : session.server }
  } catch (error) {
    await noted(session.close())
    throw error
  }
}

/** Incarnation and age are evidence, not a condition: a role that may not read them is ready all the same. */
async function inspected(session: Session): Promise<Server> {
  if (!session.inspect) return session.server
  return session.inspect().catch(error => {
    if (error instanceof ProbeError) return session.server
    throw error
  })
}

/** Opens the other connections at the same time, as a pool does, and asks each one. */
async function fill(
  target: Target,
  service: Service,
  attempt: NetAttempt,
  connections: number,
  first: Session,
): Promise<void> {
  await attempt.step('auth', async () => {
    const silent = { signal: attempt.signal, step: <T>(_: unknown, work: () => Promise<T>) => work() }
    const opened = await Promise.allSettled(
      Array.from({ length: connections - 1 }, async () => {
        const session = await service.open(target, {
          ...silent,
          connect: () => attempt.connect({ quiet: true }),
        })
        return {
          session,
          answered: await Promise.resolve(session.ping?.()).then(
            () => undefined,
            error => ({ error }),
          ),
        }
      }),
    )
    const sessions = opened.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    await Promise.all(sessions.map(({ session }) => session.close()))
    const failed = opened.find(one => one.status === 'rejected')
    const mute = sessions.find(one => one.answered)?.answered
    if (failed || mute) {
      const error = failed ? failed.reason : mute?.error
      const good = sessions.filter(one => !one.answered).length + 1
      throw error instanceof ProbeError
        ? new ProbeError(
            {
              ...error.finding,
              message: `${good} of ${connections} connections answered: ${error.finding.message}`,
            },
            first.server,
          )
        : error
    }
  })
}

/** Throws where a statement gives no row whose first value is not false. */
export async function holds(session: Session, text: string): Promise<void> {
  const rows = await required(session.query, 'query', { name: session.server.product }).call(session, text)
  if (yes(rows)) return
  const came = rows.length === 0 ? 'no row' : `"${rows[0]?.[0] ?? 'NULL'}"`
  throw new ProbeError({
    reason: 'unmet',
    message: `the query ${text} gave ${came}`,
    advice: 'It is asked again until its first value is not false.',
  })
}

const NO = new Set(['f', 'false', '0', 'no', 'off', ''])

const yes = (rows: readonly Row[]): boolean => {
  const value = rows[0]?.[0]
  return value !== undefined && value !== null && !NO.has(value.toLowerCase())
}

async function complete(
  session: Session,
  service: Service,
  expect: NonNullable<ProbeOptions['expect']>,
): Promise<void> {
  const missing = await required(session.missing, 'schema', service).call(session, expect)
  if (missing) throw new ProbeError({ reason: 'schema-missing', message: `missing: ${missing}` })
}

function required<T>(ability: T | undefined, what: string, service: { readonly name: string }): T {
  if (ability) return ability
  throw new ProbeError({
    reason: 'client-misuse',
    message: `${service.name} has no ${what} layer`,
    advice: `Leave out ${what === 'query' ? '--query' : `--until ${what}`} for this target.`,
  })
}
