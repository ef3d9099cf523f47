import { classifyTransport } from '../../core/classify.js'
import { type Attempt, type Link, ProbeError, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { CAN, type Greeting, sslRequest } from '../../wire/mysql.js'
import { authenticate, capabilitiesFor, userOf } from './auth.js'
import { classifyMysql } from './classify.js'
import { Conversation } from './conversation.js'
import { MysqlSession } from './session.js'

/** MySQL, MariaDB, and the proxies that speak their protocol, by an own client of the wire. */
export const mysql: Service = {
  name: 'mysql',
  abilities: ['query', 'write', 'schema'],
  classify: classifyMysql,
  async open(target, attempt) {
    const { mode } = target.tls
    if (mode !== 'allow') return login(target, attempt, mode !== 'disable')
    return login(target, attempt, false).catch(error => {
      if (codeOf(error) === '3159') return login(target, attempt, true)
      throw error
    })
  },
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof ProbeError ? error.finding.code : undefined

async function login(target: Target, attempt: Attempt, encrypt: boolean): Promise<MysqlSession> {
  const link = await attempt.connect()
  try {
    return await enter(target, attempt, link, encrypt && link.address !== 'unix')
  } catch (error) {
    link.close()
    // As with libpq: prefer goes on without TLS where the handshake fails, before anything was shown.
    const failed = encrypt && !link.secure && classifyTransport(error).reason === 'tls-failure'
    if (failed && target.tls.mode === 'prefer') return login(target, attempt, false)
    throw await explain(error, target, attempt)
  }
}

async function enter(target: Target, attempt: Attempt, link: Link, encrypt: boolean): Promise<MysqlSession> {
  const talk = new Conversation(link)
  const { greeting, capabilities } = await attempt.step('handshake', async () => {
    const greeting = await talk.greeting()
    return { greeting, capabilities: capabilitiesFor(greeting, target) }
  })
  const secure = encrypt && (await startTls(target, attempt, talk, greeting, capabilities))
  const agreed = secure ? capabilities | CAN.SSL : capabilities
  await attempt.step('auth', () => authenticate(talk, greeting, agreed, target))
  return new MysqlSession(talk, greeting, agreed, () => cancel(target, attempt, greeting))
}

async function startTls(
  target: Target,
  attempt: Attempt,
  talk: Conversation,
  greeting: Greeting,
  capabilities: number,
): Promise<boolean> {
  const { mode } = target.tls
  if (greeting.capabilities & CAN.SSL) {
    await attempt.step('tls', () => {
      talk.link.write(sslRequest(talk.next(), capabilities))
      return talk.link.startTls()
    })
    return true
  }
  if (mode === 'prefer') return false
  return attempt.step('tls', () => {
    throw new ProbeError({
      reason: 'tls-failure',
      message: `sslmode=${mode} wants TLS, and the server offers none`,
      advice: 'Switch TLS on in the server (ssl_cert, ssl_key), or use sslmode=prefer or disable.',
    })
  })
}

/** How long the attempt may be outlived by what ends its question, in milliseconds. */
const CANCEL_MS = 1000

/** A server goes on with the question of a client that has left. Resolves when it has been told, or cannot be. */
async function cancel(target: Target, attempt: Attempt, { thread }: Greeting): Promise<void> {
  // What failed by itself is not running any more.
  if (!attempt.signal.aborted) return
  try {
    const session = await aside(target, attempt, performance.now() + CANCEL_MS)
    try {
      const [row] = await session.ask('SELECT CONNECTION_ID()')
      // A proxy's numbers are not those of the server: there, the number may be somebody else's.
      if (Number(row?.[0]) === session.greeting.thread) await session.ask(`KILL QUERY ${thread}`)
      await session.close()
    } catch {
      // Without a farewell, and without another session to end this one.
      session.link.close()
    }
  } catch {
    // The server has other ways to notice that we are gone.
  }
}

/**
 * Another session with credentials that were accepted, and no database; it leaves no steps. It ends with the attempt,
 * or at `end` of performance.now(), however often it connects.
 */
function aside({ database: _, ...target }: Target, attempt: Attempt, end?: number): Promise<MysqlSession> {
  const left = () => (end ? { lastMs: Math.max(1, Math.ceil(end - performance.now())) } : {})
  const quiet: Attempt = {
    signal: attempt.signal,
    connect: () => attempt.connect({ quiet: true, ...left() }),
    step: (_, work) => work(),
  }
  return login(target, quiet, target.tls.mode !== 'disable' && target.tls.mode !== 'allow')
}

/** Adds what a second look can tell, with credentials that were accepted: how old the server is that lacks the database. */
async function explain(error: unknown, target: Target, attempt: Attempt): Promise<unknown> {
  if (!(error instanceof ProbeError) || error.finding.reason !== 'database-not-found') return error
  const { database } = target
  const { code } = error.finding
  const name = JSON.stringify(database ?? '')
  const finding = {
    ...error.finding,
    advice:
      code === '1044'
        ? `The database ${name} does not exist, or ${JSON.stringify(userOf(target))} has no right to it: CREATE DATABASE, or GRANT.`
        : `Create it (CREATE DATABASE), or correct the database's name in the address.`,
  }
  try {
    const session = await aside(target, attempt)
    try {
      return new ProbeError(finding, await session.inspect())
    } finally {
      await session.close()
    }
  } catch {
    return new ProbeError(finding)
  }
}
