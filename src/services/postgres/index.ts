import { classifyTransport } from '../../core/classify.js'
import { shellWord } from '../../core/quoting.js'
import type { Attempt, Link, Service, Session } from '../../core/service.js'
import { ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { cancelRequest, sslRequest, startup, terminate } from '../../wire/postgres.js'
import { mismatch } from '../mismatch.js'
import { authenticate, userOf } from './auth.js'
import { classifyPostgres } from './classify.js'
import { Conversation, failure } from './conversation.js'
import { PostgresSession } from './session.js'

/** PostgreSQL, and the poolers that speak its protocol, by an own client of the wire. */
export const postgres: Service = {
  name: 'postgres',
  abilities: ['query', 'write', 'schema'],
  classify: classifyPostgres,
  async open(target, attempt) {
    if (target.tls.mode !== 'allow') return login(target, attempt, target.tls.mode !== 'disable')
    return login(target, attempt, false).catch(error => otherWay(error, () => login(target, attempt, true)))
  },
}

async function login(target: Target, attempt: Attempt, encrypt: boolean): Promise<Session> {
  const link = await attempt.connect()
  try {
    const unix = link.address === 'unix'
    if (encrypt && !unix) await secure(target, attempt, link)
    return await enter(target, attempt, link)
  } catch (error) {
    link.write(terminate())
    link.close()
    if (!encrypt || target.tls.mode !== 'prefer') throw error
    // libpq: prefer goes on without TLS when the handshake fails, or when pg_hba.conf rejects the encrypted session.
    if (!link.secure && classifyTransport(error).reason === 'tls-failure')
      return login(target, attempt, false)
    return link.secure ? otherWay(error, () => login(target, attempt, false)) : Promise.reject(error)
  }
}

/**
 * Only a rejection before any password was sent may be answered by a second login, whose own failure tells more
 * where it came further.
 */
async function otherWay(error: unknown, again: () => Promise<Session>): Promise<Session> {
  if (!(error instanceof ProbeError)) throw error
  const { code, reason } = error.finding
  // PgBouncer wants TLS in words of its own.
  const rejected =
    (code === '28000' && reason === 'access-denied') || (code === '08P01' && reason === 'tls-failure')
  if (!rejected) throw error
  return again().catch(second => {
    const further =
      second instanceof ProbeError && !['access-denied', 'tls-failure'].includes(second.finding.reason)
    throw further ? second : error
  })
}

async function secure(target: Target, attempt: Attempt, link: Link): Promise<void> {
  if (target.tls.direct) return attempt.step('tls', () => link.startTls({ alpn: 'postgresql' }))
  const answer = await attempt.step('handshake', async () => {
    link.write(sslRequest())
    const first = await link.peek()
    const byte = String.fromCharCode(first[0] ?? 0)
    if (byte === 'E') throw await refused(link)
    if ((byte !== 'S' && byte !== 'N') || first.length > 1) throw mismatch('PostgreSQL', first)
    return String.fromCharCode((await link.read(1))[0] ?? 0)
  })
  if (answer === 'S') return attempt.step('tls', () => link.startTls())
  if (target.tls.mode === 'prefer') return
  await attempt.step('tls', () => {
    throw new ProbeError({
      reason: 'tls-failure',
      message: `sslmode=${target.tls.mode} wants TLS, and the server offers none`,
      advice: 'Switch TLS on in the server (ssl=on), or use sslmode=prefer or disable.',
    })
  })
}

/** An ErrorResponse to the SSLRequest: a server that cannot even fork, or a protocol that only looks alike. */
async function refused(link: Link): Promise<ProbeError> {
  const first = await new Conversation(link).next()
  return failure(first.body)
}

async function enter(target: Target, attempt: Attempt, link: Link): Promise<Session> {
  const talk = new Conversation(link)
  const user = userOf(target)
  const first = await attempt.step('handshake', async () => {
    const options = target.params.get('options')?.reveal()
    link.write(
      startup({
        user,
        database: target.database ?? user,
        application_name: target.params.get('application_name')?.reveal() ?? 'holdfast',
        client_encoding: 'UTF8',
        ...(options ? { options } : {}),
      }),
    )
    const message = await talk.next()
    if (message.type === 'E' && !aboutLogin(failure(message.body)))
      throw await explain(failure(message.body), target, attempt)
    return message
  })
  await attempt.step('auth', async () => {
    try {
      await authenticate(talk, first, target, link)
    } catch (error) {
      throw error instanceof ProbeError ? await explain(error, target, attempt) : error
    }
  })
  const session = new PostgresSession(link, talk, () => cancel(attempt, talk, link.secure), target)
  await attraction(session, target)
  return session
}

/** How long the attempt may be outlived by what ends its question, in milliseconds. */
const CANCEL_MS = 1000

async function cancel(attempt: Attempt, { pid, key }: Conversation, encrypt: boolean): Promise<void> {
  // What failed by itself is not running any more.
  if (!attempt.signal.aborted || pid === undefined || key === undefined) return
  try {
    const link = await attempt.connect({ quiet: true, lastMs: CANCEL_MS })
    if (encrypt) {
      link.write(sslRequest())
      await link.read(1)
      await link.startTls()
    }
    link.write(cancelRequest(pid, key))
    await link.closed
    link.close()
  } catch {
    // The server has other ways to notice that we are gone.
  }
}

const aboutLogin = ({ finding }: ProbeError): boolean =>
  finding.reason === 'authentication-failed' ||
  finding.reason === 'access-denied' ||
  finding.reason === 'database-not-found'

/** libpq's target_session_attrs: a host that does not fit sends the probe on to the next one. */
async function attraction(session: PostgresSession, target: Target): Promise<void> {
  const wanted = target.params.get('target_session_attrs')?.reveal() ?? 'any'
  if (wanted === 'any' || wanted === 'prefer-standby') return
  const { standby, readOnly } = await session.role()
  const fits = { 'read-write': !readOnly, 'read-only': readOnly, primary: !standby, standby }[wanted]
  if (fits) return
  await session.close()
  if (fits === undefined) {
    const known = 'any, read-write, read-only, primary, standby, prefer-standby'
    throw new ProbeError({
      reason: 'client-misuse',
      message: `target_session_attrs "${wanted}" is not one of ${known}`,
    })
  }
  throw new ProbeError({
    reason: 'read-only',
    message: `target_session_attrs=${wanted}, but this server is ${standby ? 'a standby' : readOnly ? 'read-only' : 'a primary'}`,
  })
}

/** Adds what a second look can tell: how old the server is that lacks the database. */
async function explain(error: ProbeError, target: Target, attempt: Attempt): Promise<ProbeError> {
  if (error.finding.reason !== 'database-not-found') return error
  // A pooler tells in its own words.
  if (error.finding.byText) return error
  const database = target.database ?? userOf(target)
  const finding = {
    ...error.finding,
    advice: `Create it (createdb ${shellWord(database)}), or correct the database's name in the address.`,
  }
  if (database === 'postgres') return new ProbeError(finding)
  try {
    // What protects the password holds here, too.
    const params = new Map([...target.params].filter(([key]) => PROTECTS.has(key)))
    const maintenance = { ...target, database: 'postgres', params }
    const quiet: Attempt = {
      signal: attempt.signal,
      connect: () => attempt.connect({ quiet: true }),
      step: (_, work) => work(),
    }
    const session = await login(
      maintenance,
      quiet,
      target.tls.mode !== 'disable' && target.tls.mode !== 'allow',
    )
    try {
      return new ProbeError(finding, await session.inspect?.())
    } finally {
      await session.close()
    }
  } catch {
    return new ProbeError(finding)
  }
}

const PROTECTS = new Set(['require_auth', 'channel_binding'])
