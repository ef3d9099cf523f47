/** Scripted peers that speak AMQP 0-9-1 as RabbitMQ does. */
import { FRAME, frame, readFrame, type Table, Writer } from '../../src/wire/amqp.js'
import { METHOD, method, methodOf } from '../../src/wire/amqpmethods.js'
import type { PeerConnection, Script } from './peer.js'

export const RABBITMQ: Table = {
  product: 'RabbitMQ',
  version: '3.10.8',
  cluster_name: 'rabbit@peer',
  capabilities: { authentication_failure_close: true, 'connection.blocked': true },
}

export const start = (mechanisms = 'AMQPLAIN PLAIN', properties: Table = RABBITMQ): Uint8Array =>
  method(
    0,
    METHOD.start,
    new Writer().octet(0).octet(9).table(properties).longstr(mechanisms).longstr('en_US'),
  )

export const tune = (): Uint8Array => method(0, METHOD.tune, new Writer().short(2047).long(131_072).short(60))

export const openOk = (): Uint8Array => method(0, METHOD.openOk, new Writer().shortstr(''))

/** A connection.close, or on a channel a channel.close. */
export const closes = (code: number, text: string, channel = 0): Uint8Array =>
  method(
    channel,
    channel === 0 ? METHOD.close : METHOD.channelClose,
    new Writer().short(code).shortstr(text).short(0).short(0),
  )

export const blocked = (why: string): Uint8Array => method(0, METHOD.blocked, new Writer().shortstr(why))

export const heartbeats = (count: number): Uint8Array =>
  Buffer.concat(Array.from({ length: count }, () => frame(FRAME.heartbeat, 0, new Uint8Array())))

/** What a real RabbitMQ 3.10 says. */
export const AMQP_ERRORS = {
  login: closes(
    403,
    'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.',
  ),
  vhostMissing: closes(530, 'NOT_ALLOWED - vhost nosuch not found'),
  vhostDown: closes(541, "INTERNAL_ERROR - vhost '/' is down"),
  full: closes(
    530,
    "NOT_ALLOWED - access to vhost '/' refused for user 'app': connection limit (1) is reached",
  ),
  shutdown: closes(320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"),
}

export interface AmqpScript {
  start?: Uint8Array
  /** The answer to the login, given its mechanism and response; default a tune, empty for silence. */
  login?: (mechanism: string, response: string) => Uint8Array
  /** The answer to the virtual host; default yes, empty for silence. */
  open?: (vhost: string) => Uint8Array
  /** Once the connection is open. Default: answers the methods of `answers` until the client leaves. */
  serve?: Script
}

/** Goes through the opening as a broker does. An answer that is a close is its last one. */
export const amqp =
  ({ login = tune, open = openOk, serve = answersMethods(), ...more }: AmqpScript = {}): Script =>
  async connection => {
    await connection.read(8)
    await connection.send(more.start ?? start())
    const { args } = methodOf(await readFrame(connection))
    args.table()
    if (!(await goesOn(connection, login(args.shortstr(), args.longstr())))) return
    await readFrame(connection)
    const vhost = methodOf(await readFrame(connection)).args.shortstr()
    if (!(await goesOn(connection, open(vhost)))) return
    await serve(connection)
  }

/** Sends an answer; false where it was a close, which the client agrees to. */
async function goesOn(connection: PeerConnection, answer: Uint8Array): Promise<boolean> {
  await connection.send(answer)
  if (answer.length === 0) await connection.hang()
  const last = answer.length > 11 && answer[0] === FRAME.method && answer[8] === 10 && answer[10] === 50
  if (last) await readFrame(connection)
  return !last
}

/** Answers each method by its number with these bytes, and tells which it heard; the others are passed over. */
export const answersMethods =
  (answers: Readonly<Record<number, Uint8Array>> = {}, tell: (id: number) => void = () => {}): Script =>
  async connection => {
    const all: Readonly<Record<number, Uint8Array>> = {
      [METHOD.channelOpen]: method(1, METHOD.channelOpenOk, new Writer().longstr('')),
      [METHOD.channelClose]: method(1, METHOD.channelCloseOk),
      [METHOD.close]: method(0, METHOD.closeOk),
      ...answers,
    }
    for (;;) {
      const heard = await readFrame(connection)
      if (heard.type !== FRAME.method) continue
      const { id } = methodOf(heard)
      tell(id)
      const answer = all[id]
      if (answer) await connection.send(answer)
    }
  }
