import { type Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { readSaslAuthenticate, readSaslHandshake, saslAuthenticate, saslHandshake } from '../../wire/kafka.js'
import { Scram, ScramError } from '../scram.js'
import { byCode, listed } from './classify.js'
import type { Conversation } from './conversation.js'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
const UNSUPPORTED_SASL_MECHANISM = 33
const ILLEGAL_SASL_STATE = 34

/** Kafka's own least number of rounds (its ScramMechanism). It hashes passwords as they are. */
const LEAST_ROUNDS = 4096

interface Login {
  readonly user: string
  readonly password: string
  readonly mechanism: string
  /** True where the address asks for it. */
  readonly named: boolean
}

/** The login that the address asks for. Without saslMechanism it is PLAIN. */
export function loginOf({ user, password, params }: Target): Login | undefined {
  const given = (params.get('saslMechanism') ?? params.get('sasl.mechanism'))?.reveal()
  const mechanism = (given ?? 'PLAIN').toUpperCase()
  if (!MECHANISMS.includes(mechanism))
    throw misuse(
      `saslMechanism "${given}" is not one that a probe knows`,
      `Use ${MECHANISMS.join(', ')}, or exec:'kcat -L …'.`,
    )
  if (user === undefined && !given) return undefined
  if (!user || !password?.reveal())
    throw misuse('a login needs both user and password', 'Write kafka://USER:PASSWORD@host:9092.')
  return { user, password: password.reveal(), mechanism, named: given !== undefined }
}

export async function authenticate(talk: Conversation, login: Login): Promise<void> {
  const { mechanism } = login
  if (mechanism === 'PLAIN') guardClear(talk.link, login)
  const { error, mechanisms } = await talk.ask(n => saslHandshake(n, mechanism), readSaslHandshake)
  if (error === UNSUPPORTED_SASL_MECHANISM)
    throw misuse(
      `the broker does not take ${mechanism}, but ${listed(mechanisms) || 'nothing that it names'}`,
      `Add saslMechanism=${mechanisms.find(one => MECHANISMS.includes(one)) ?? 'NAME'} to the address.`,
      error,
    )
  if (error === ILLEGAL_SASL_STATE)
    throw misuse(
      'this listener takes no login',
      'Leave user and password out of the address, or name the listener with SASL.',
      error,
    )
  if (error !== 0) throw new ProbeError(byCode(error))
  if (mechanism === 'PLAIN') await say(talk, `\0${login.user}\0${login.password}`)
  else await byScram(talk, login)
}

async function byScram(talk: Conversation, { user, password, mechanism }: Login): Promise<void> {
  const hash = mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256'
  const scram = new Scram(password, undefined, undefined, user, {
    hash,
    leastRounds: LEAST_ROUNDS,
    prepares: false,
  })
  const challenge = await say(talk, scram.first)
  try {
    scram.verify(await say(talk, await scram.final(challenge)))
  } catch (error) {
    if (!(error instanceof ScramError)) throw error
    throw new ProbeError({
      reason: 'authentication-failed',
      message: error.message,
      advice: 'The broker could not prove who it is: check that it is the one you mean.',
    })
  }
}

async function say(talk: Conversation, text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text)
  talk.told = true
  const { error, message, data } = await talk.ask(n => saslAuthenticate(n, bytes), readSaslAuthenticate)
  if (error !== 0) throw new ProbeError(message ? byCode(error, message) : byCode(error))
  return new TextDecoder().decode(data)
}

/** A password in the clear over a network is readable by all who are on the way. */
function guardClear(link: Link, { named }: Login): void {
  if (link.secure || link.local || named) return
  throw misuse(
    'without saslMechanism the password is sent in clear text, and this connection has no TLS',
    'Use kafka+ssl://, or saslMechanism=SCRAM-SHA-512; saslMechanism=PLAIN sends it all the same.',
  )
}

const misuse = (message: string, advice: string, code?: number): ProbeError =>
  new ProbeError({ reason: 'client-misuse', ...(code ? { code: String(code) } : {}), message, advice })
