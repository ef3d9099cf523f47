import { type Link, ProbeError, type Service } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import type { Table } from '../../wire/amqp.js'
import { METHOD, open, readTune, type Start, startOk, tuneOk } from '../../wire/amqpmethods.js'
import { classifyRabbitmq } from './classify.js'
import { Conversation, told } from './conversation.js'
import { RabbitmqSession } from './session.js'

/** Seconds. A broker then sees that a connection has gone even while it does not read from it. */
const HEARTBEAT_S = 10

/** The server then says why it refuses a login, and when it takes no messages, instead of closing or falling silent. */
const CLIENT: Table = {
  product: 'holdfast',
  capabilities: { authentication_failure_close: true, 'connection.blocked': true, publisher_confirms: true },
}

/** RabbitMQ and others that speak AMQP 0-9-1, by an own client of the wire. */
export const rabbitmq: Service = {
  name: 'rabbitmq',
  abilities: ['write'],
  classify: classifyRabbitmq,
  async open(target, attempt) {
    const vhost = vhostOf(target)
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable') await attempt.step('tls', () => link.startTls())
      const talk = new Conversation(link)
      const start = await attempt.step('handshake', () => talk.greet())
      await attempt.step('auth', () => login(talk, start, target, vhost))
      return new RabbitmqSession(talk, serverOf(start))
    } catch (error) {
      link.close()
      throw error
    }
  },
}

/**
 * The path of the address. An empty one is "/", as in amqplib and pika; by RabbitMQ's URI specification it would be
 * the virtual host without a name, which nobody has.
 */
function vhostOf({ database = '/' }: Target): string {
  if (new TextEncoder().encode(database).length <= 255) return database
  throw new ProbeError({
    reason: 'client-misuse',
    message: 'the virtual host in the path of the address is longer than 255 bytes',
  })
}

async function login(talk: Conversation, start: Start, target: Target, vhost: string): Promise<void> {
  const [mechanism, response] = credentials(start, target, talk.link)
  talk.link.write(startOk(CLIENT, mechanism, response))
  try {
    const tune = readTune((await talk.expect(METHOD.tune)).args)
    talk.link.write(tuneOk(tune, HEARTBEAT_S))
    talk.link.write(open(vhost))
    await talk.expect(METHOD.openOk)
  } catch (error) {
    throw advised(told(error), mechanism, target)
  }
}

function credentials(
  { mechanisms }: Start,
  target: Target,
  link: Link,
): [mechanism: string, response: string] {
  const { user, password, tls } = target
  if (!password && tls.cert && link.secure && mechanisms.includes('EXTERNAL')) return ['EXTERNAL', '']
  if (mechanisms.includes('PLAIN')) {
    // Who is not named is guest; a user without a password may be known to a back end of the broker.
    const secret = password?.reveal() ?? (user ? '' : GUEST)
    return ['PLAIN', `\0${user ?? GUEST}\0${secret}`]
  }
  throw new ProbeError({
    reason: 'client-misuse',
    message: `the server offers no login with a password, only ${mechanisms.join(', ') || 'none'}`,
    advice: 'Give a client certificate with sslcert and sslkey, or add PLAIN to auth_mechanisms.',
  })
}

const GUEST = 'guest'

/** What the broker keeps to its log. */
function advised(error: unknown, mechanism: string, { user = GUEST, password }: Target): unknown {
  if (!(error instanceof ProbeError && error.finding.reason === 'authentication-failed')) return error
  const advice =
    mechanism === 'EXTERNAL'
      ? 'The name in the client certificate is no user of the broker: create it, or see ssl_cert_login_from.'
      : user === GUEST
        ? 'The user guest may come from the machine of the broker only (loopback_users): create another user, or set loopback_users = none.'
        : password
          ? undefined
          : 'Put the password into the address: amqp://user:PASSWORD@host.'
  return advice ? new ProbeError({ ...error.finding, advice }) : error
}

function serverOf({ properties }: Start): Server {
  const { product, version } = properties
  return {
    product: typeof product === 'string' && product ? product : 'AMQP',
    ...(typeof version === 'string' && version ? { version } : {}),
  }
}
