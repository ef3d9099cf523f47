import { createHash } from 'node:crypto'
import { type Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { decode, Fields, password, saslInitial, saslResponse } from '../../wire/postgres.js'
import { endPointBinding, Scram, ScramError } from '../scram.js'
import { type Conversation, failure, type Message } from './conversation.js'

/** Authentication request codes. Source: PostgreSQL manual, section 55.7. */
const OK = 0
const CLEARTEXT = 3
const MD5 = 5
const SASL = 10
const SASL_CONTINUE = 11
const SASL_FINAL = 12
const METHODS: Readonly<Record<number, string>> = { 2: 'Kerberos V5', 7: 'GSSAPI', 9: 'SSPI' }

export const userOf = ({ user }: Target): string => user ?? 'postgres'

/** Answers the server's authentication requests until it is ready for queries. */
export async function authenticate(
  talk: Conversation,
  first: Message,
  target: Target,
  link: Link,
): Promise<void> {
  const check = methodsAllowed(target)
  const allow = (method: string) => {
    talk.method = method
    check(method)
  }
  const bound = target.params.get('channel_binding')?.reveal() === 'require'
  let used = false
  let scram: Scram | undefined
  let challenged = false
  for (let message = first; ; message = await talk.next()) {
    if (message.type === 'E') throw failure(message.body)
    if (message.type === 'Z') return
    if (message.type !== 'R') throw talk.unexpected(message, 'authentication')
    const fields = new Fields(message.body)
    const code = fields.int32()
    if (code === OK) {
      if (!used) allow('none')
      if (bound && !scram) throw unbound('the server asks for no password')
      if (scram && !scram.proven) throw forged('the server skipped its proof')
      continue
    }
    used = true
    if (code === CLEARTEXT) {
      allow('password')
      if (bound) throw unbound('the server asks for the password itself')
      guardCleartext(target, link)
      link.write(password(secretOf(target)))
    } else if (code === MD5) {
      allow('md5')
      if (bound) throw unbound('the server asks for the password as MD5')
      link.write(password(md5(userOf(target), secretOf(target), fields.take(4))))
    } else if (code === SASL && !scram) {
      allow('scram-sha-256')
      scram = startScram(fields, target, link, bound)
      link.write(saslInitial(scram.mechanism, scram.first))
    } else if (code === SASL_CONTINUE && scram && !challenged) {
      challenged = true
      const answer = await proving(scram, it => it.final(decode(fields.rest())))
      link.write(saslResponse(answer))
    } else if (code === SASL_FINAL && scram) {
      await proving(scram, it => it.verify(decode(fields.rest())))
    } else {
      throw new ProbeError({
        reason: 'client-misuse',
        message: `the server asks for ${METHODS[code] ?? `authentication method ${code}`}, which a probe cannot answer`,
        advice: 'Use a role with a password, or exec:\'psql -c "SELECT 1"\' with your ticket.',
      })
    }
  }
}

async function proving<T>(scram: Scram, step: (scram: Scram) => T | Promise<T>): Promise<T> {
  try {
    return await step(scram)
  } catch (error) {
    throw error instanceof ScramError ? forged(error.message) : error
  }
}

const forged = (message: string): ProbeError =>
  new ProbeError({
    reason: 'authentication-failed',
    message,
    advice: 'The server could not prove who it is: check that it is the one you mean.',
  })

function secretOf(target: Target): string {
  const value = target.password?.reveal()
  if (value) return value
  throw new ProbeError({
    reason: 'client-misuse',
    message: `the server asks for the password of "${userOf(target)}", and none is given`,
    advice: target.concerns?.[0]?.advice ?? 'Put it into the address, PGPASSWORD or ~/.pgpass.',
  })
}

function md5(user: string, secret: string, salt: Uint8Array): string {
  const digest = (...parts: (string | Uint8Array)[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest('hex')
  return `md5${digest(digest(secret, user), salt)}`
}

function startScram(fields: Fields, target: Target, link: Link, bound: boolean): Scram {
  const offered: string[] = []
  while (fields.left > 1) offered.push(fields.cstring())
  if (!bound && offered.includes('SCRAM-SHA-256')) return new Scram(secretOf(target))
  if (bound && offered.includes('SCRAM-SHA-256-PLUS') && link.peerCertificate) {
    return new Scram(secretOf(target), endPointBinding(link.peerCertificate))
  }
  if (bound) throw unbound('the server offers none here')
  throw new ProbeError({
    reason: 'client-misuse',
    message: `the server offers only ${offered.join(', ')}`,
    advice: 'Use scram-sha-256 on the server.',
  })
}

/** Nothing then tells that the server is at the other end of the TLS session. */
const unbound = (why: string): ProbeError =>
  new ProbeError({
    reason: 'client-misuse',
    message: `channel_binding=require, and ${why}`,
    advice: 'Use scram-sha-256 with TLS up to the server itself, or channel_binding=prefer.',
  })

/** libpq's require_auth: a list of methods, or of methods with ! that are excluded. */
function methodsAllowed(target: Target): (method: string) => void {
  const list = target.params.get('require_auth')?.reveal().split(',').filter(Boolean) ?? []
  const excluded = list.filter(one => one.startsWith('!')).map(one => one.slice(1))
  const included = list.filter(one => !one.startsWith('!'))
  return method => {
    if (!excluded.includes(method) && (included.length === 0 || included.includes(method))) return
    throw new ProbeError({
      reason: 'client-misuse',
      message: `the server asks for "${method}", which require_auth=${list.join(',')} excludes`,
    })
  }
}

/** A password in the clear over a network is readable by all who are on the way. */
function guardCleartext(target: Target, link: Link): void {
  if (link.secure || link.local) return
  if (target.params.get('require_auth')?.reveal() === 'password') return
  throw new ProbeError({
    reason: 'client-misuse',
    message: 'the server asks for the password in clear text, without TLS, over the network',
    advice: 'Use sslmode=require or scram-sha-256; require_auth=password sends it all the same.',
  })
}
