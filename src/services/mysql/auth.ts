import { type Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { CAN, Fields, type Greeting, isError, isOk, login, packet } from '../../wire/mysql.js'
import { type Conversation, failure, unexpected } from './conversation.js'
import { METHODS, type Method, type Setting, unknownMethod } from './methods.js'

/** More packets than this are no login. */
const MAX_ROUNDS = 16

const SWITCH = 0xfe
const MORE = 0x01

export const userOf = ({ user }: Target): string => user ?? 'root'

/** Sends the login and answers the server until it lets in or refuses. */
export async function authenticate(
  talk: Conversation,
  greeting: Greeting,
  capabilities: number,
  target: Target,
): Promise<void> {
  const { link } = talk
  const setting = (nonce: Uint8Array): Setting => ({
    target,
    link,
    password: target.password?.reveal() ?? '',
    nonce,
  })
  const offered = METHODS.get(greeting.plugin)
  // What shows the password is not said before the server has asked for it.
  const plugin = offered?.scrambles ? greeting.plugin : 'mysql_native_password'
  let method = METHODS.get(plugin) as Method
  let state = setting(greeting.nonce)
  link.write(
    login(talk.next(), {
      capabilities,
      user: userOf(target),
      proof: await method.first(state),
      database: target.database,
      plugin,
      attributes: { program_name: 'holdfast' },
    }),
  )
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const payload = await talk.read()
    if (isError(payload)) throw told(failure(payload, false), link)
    if (isOk(payload)) return
    const fields = new Fields(payload)
    const kind = fields.int(1)
    if (kind === SWITCH) {
      const asked = fields.left > 0 ? fields.cstring() : ''
      const found = METHODS.get(asked)
      if (!found) throw unknownMethod(asked)
      method = found
      state = setting(fields.rest())
      link.write(packet(talk.next(), await method.first(state)))
    } else if (kind === MORE && method.more) {
      const answer = method.more(state, fields.rest())
      if (answer) link.write(packet(talk.next(), answer))
    } else {
      throw unexpected(payload, 'authentication')
    }
  }
  throw new ProbeError({
    reason: 'protocol-mismatch',
    message: `${MAX_ROUNDS} packets of authentication came without an end`,
  })
}

/** A server or an account that wants TLS says without it what it says of a wrong password. */
function told(error: ProbeError, link: Link): ProbeError {
  const { code, advice } = error.finding
  if (code !== '1045' || advice || link.secure || link.address === 'unix') return error
  return new ProbeError({
    ...error.finding,
    advice:
      'Correct user or password where they are set. Without TLS an account or server that requires it says the same: sslmode=require.',
  })
}

/** What both sides can. */
export function capabilitiesFor({ capabilities }: Greeting, target: Target): number {
  const wanted =
    CAN.LONG_PASSWORD |
    CAN.LONG_FLAG |
    CAN.PROTOCOL_41 |
    CAN.TRANSACTIONS |
    CAN.SECURE_CONNECTION |
    CAN.MULTI_RESULTS |
    CAN.PLUGIN_AUTH |
    CAN.PLUGIN_AUTH_LENENC |
    CAN.CONNECT_ATTRS |
    CAN.DEPRECATE_EOF |
    (target.database ? CAN.CONNECT_WITH_DB : 0)
  const both = capabilities & wanted
  if (both & CAN.PROTOCOL_41 && both & CAN.SECURE_CONNECTION) return both | CAN.LONG_PASSWORD
  throw new ProbeError({
    reason: 'protocol-mismatch',
    message: 'the server speaks the protocol of MySQL 4.0 or before',
  })
}
