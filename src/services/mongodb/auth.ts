import { createHash } from 'node:crypto'
import { type Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Document } from '../../wire/bson.js'
import { Scram, ScramError } from '../scram.js'
import type { Conversation } from './conversation.js'
import type { Hello } from './hello.js'
import { type Mechanism, misuse, type Options } from './options.js'

/** The specification's least number of rounds, lest somebody in between asks for few. */
const LEAST_ROUNDS = 4096

/** Steps that a server may ask for after its proof; one that skips no empty step asks for one. */
const MAX_STEPS = 2

/** True where the address asks for a login. */
export const logsIn = (target: Target, { mechanism }: Options): boolean =>
  target.user !== undefined || mechanism === 'MONGODB-X509'

/** Logs in with the mechanism of the address, else with the strongest that the server has for this user. */
export async function authenticate(
  talk: Conversation,
  target: Target,
  options: Options,
  hello: Hello,
): Promise<void> {
  const mechanism = options.mechanism ?? negotiated(hello)
  try {
    if (mechanism === 'MONGODB-X509') await byCertificate(talk, target, talk.link)
    else if (mechanism === 'PLAIN') await inClear(talk, target, options, talk.link)
    else await byScram(talk, target, options, mechanism)
  } catch (error) {
    throw error instanceof ProbeError ? advised(error, target, options) : error
  }
}

const negotiated = ({ mechanisms }: Hello): Mechanism =>
  mechanisms.includes('SCRAM-SHA-256') ? 'SCRAM-SHA-256' : 'SCRAM-SHA-1'

async function byScram(
  talk: Conversation,
  target: Target,
  { source }: Options,
  mechanism: 'SCRAM-SHA-1' | 'SCRAM-SHA-256',
): Promise<void> {
  const user = target.user ?? ''
  const secret = secretOf(target)
  const old = mechanism === 'SCRAM-SHA-1'
  const digest = () => createHash('md5').update(`${user}:mongo:${secret}`).digest('hex')
  const scram = new Scram(old ? digest() : secret, undefined, undefined, user, {
    hash: old ? 'sha1' : 'sha256',
    leastRounds: LEAST_ROUNDS,
    prepares: !old,
  })
  const begun = await talk.ask(source, {
    saslStart: 1,
    mechanism,
    payload: bytes(scram.first),
    options: { skipEmptyExchange: true },
  })
  const { conversationId } = begun
  if (typeof conversationId !== 'number' && typeof conversationId !== 'string')
    throw forged('the server names the login by neither number nor text')
  const go = (payload: Uint8Array) => talk.ask(source, { saslContinue: 1, conversationId, payload })
  try {
    let reply = await go(bytes(await scram.final(textOf(begun.payload))))
    scram.verify(textOf(reply.payload))
    for (let step = 0; reply.done !== true; step++) {
      if (step === MAX_STEPS) throw new ScramError('the server does not end the login')
      reply = await go(new Uint8Array())
    }
  } catch (error) {
    throw error instanceof ScramError ? forged(error.message) : error
  }
}

async function inClear(talk: Conversation, target: Target, { source }: Options, link: Link): Promise<void> {
  const secret = secretOf(target)
  if (!link.secure)
    throw misuse(
      'authMechanism=PLAIN sends the password itself, and this connection has no TLS',
      'Add tls=true, or use SCRAM-SHA-256.',
    )
  const payload = bytes(`\0${target.user ?? ''}\0${secret}`)
  const reply = await talk.ask(source, { saslStart: 1, mechanism: 'PLAIN', payload })
  if (reply.done !== true) throw forged('the server does not end the login')
}

async function byCertificate(talk: Conversation, target: Target, link: Link): Promise<void> {
  if (!link.secure || !target.tls.cert)
    throw misuse(
      'authMechanism=MONGODB-X509 logs in with a certificate, and none is shown on this connection',
      'Add tls=true&tlsCertificateKeyFile=FILE.',
    )
  const user = target.user ? { user: target.user } : {}
  await talk.ask('$external', { authenticate: 1, mechanism: 'MONGODB-X509', ...user })
}

function secretOf({ user, password }: Target): string {
  const value = password?.reveal()
  if (value) return value
  throw misuse(`"${user}" has no password in the address`, 'Write mongodb://USER:PASSWORD@host/.')
}

/** Where a user was created is the part of a login that is most often wrong. */
function advised(error: ProbeError, target: Target, { source, sourceGiven }: Options): ProbeError {
  const { finding } = error
  if (finding.reason !== 'authentication-failed' || finding.advice || sourceGiven || !target.database)
    return error
  return new ProbeError({
    ...finding,
    advice: `Correct user or password. The user was looked for in "${source}", the database of the address: if it was created elsewhere, add authSource=admin.`,
  })
}

const forged = (message: string): ProbeError =>
  new ProbeError({
    reason: 'authentication-failed',
    message,
    advice: 'The server could not prove who it is: check that it is the one you mean.',
  })

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

const textOf = (payload: Document[string]): string =>
  payload instanceof Uint8Array
    ? new TextDecoder().decode(payload)
    : typeof payload === 'string'
      ? payload
      : ''
