/** The methods of AMQP 0-9-1 that a probe needs. Source: amqp0-9-1.xml, and rabbitmq.com, "Protocol extensions". */
import { AmqpSyntaxError, FRAME, type Frame, frame, MAX_FRAME, Reader, type Table, Writer } from './amqp.js'

/** Class and method as one number: 10050 is connection.close. */
export const METHOD = {
  start: 10_010,
  startOk: 10_011,
  secure: 10_020,
  tune: 10_030,
  tuneOk: 10_031,
  open: 10_040,
  openOk: 10_041,
  close: 10_050,
  closeOk: 10_051,
  blocked: 10_060,
  unblocked: 10_061,
  channelOpen: 20_010,
  channelOpenOk: 20_011,
  channelClose: 20_040,
  channelCloseOk: 20_041,
  queueDeclare: 50_010,
  queueDeclareOk: 50_011,
  queueDelete: 50_040,
  queueDeleteOk: 50_041,
  basicPublish: 60_040,
  basicReturn: 60_050,
  basicGet: 60_070,
  basicGetOk: 60_071,
  basicGetEmpty: 60_072,
  basicAck: 60_080,
  basicNack: 60_120,
  confirmSelect: 85_010,
  confirmSelectOk: 85_011,
} as const

const BASIC = 60

export interface Method {
  readonly id: number
  readonly args: Reader
}

export interface Start {
  readonly version: string
  readonly properties: Table
  readonly mechanisms: readonly string[]
}

/** What connection.close and channel.close say. */
export interface Close {
  readonly code: number
  readonly text: string
  /** The method that caused it, or 0. */
  readonly method: number
}

export interface Tune {
  readonly channelMax: number
  readonly frameMax: number
  /** Seconds. */
  readonly heartbeat: number
}

/** The method in a frame. Throws AmqpSyntaxError where there is none. */
export function methodOf({ type, payload }: Frame): Method {
  if (type !== FRAME.method) throw new AmqpSyntaxError(`a frame of type ${type} in place of a method`)
  const args = new Reader(payload)
  return { id: args.short() * 1000 + args.short(), args }
}

export function readStart(args: Reader): Start {
  const version = `${args.octet()}-${args.octet()}`
  const properties = args.table()
  return { version, properties, mechanisms: args.longstr().split(' ').filter(Boolean) }
}

export function readClose(args: Reader): Close {
  const [code, text] = [args.short(), args.shortstr()]
  return { code, text, method: args.short() * 1000 + args.short() }
}

export const readTune = (args: Reader): Tune => ({
  channelMax: args.short(),
  frameMax: args.long(),
  heartbeat: args.short(),
})

export function method(channel: number, id: number, args = new Writer()): Uint8Array {
  const head = new Writer().short(Math.floor(id / 1000)).short(id % 1000)
  return frame(FRAME.method, channel, head.raw(args.bytes).bytes)
}

export const startOk = (properties: Table, mechanism: string, response: string): Uint8Array =>
  method(
    0,
    METHOD.startOk,
    new Writer().table(properties).shortstr(mechanism).longstr(response).shortstr('en_US'),
  )

/** What a client takes of what the server offers; 0 there means no limit. `heartbeat` in seconds. */
export const tuneOk = ({ channelMax, frameMax }: Tune, heartbeat: number): Uint8Array =>
  method(
    0,
    METHOD.tuneOk,
    new Writer()
      .short(channelMax)
      .long(Math.min(frameMax || MAX_FRAME, MAX_FRAME))
      .short(heartbeat),
  )

/** @throws RangeError for a virtual host of more than 255 bytes. */
export const open = (vhost: string): Uint8Array =>
  method(0, METHOD.open, new Writer().shortstr(vhost).shortstr('').octet(0))

const closing = (code: number, text: string) => new Writer().short(code).shortstr(text).short(0).short(0)

export const close = (code: number, text: string): Uint8Array => method(0, METHOD.close, closing(code, text))
export const closeOk = (): Uint8Array => method(0, METHOD.closeOk)

export const channelOpen = (channel: number): Uint8Array =>
  method(channel, METHOD.channelOpen, new Writer().shortstr(''))
export const channelClose = (channel: number): Uint8Array =>
  method(channel, METHOD.channelClose, closing(200, ''))
export const channelCloseOk = (channel: number): Uint8Array => method(channel, METHOD.channelCloseOk)

/** Asks for acknowledgements of what is published. */
export const confirmSelect = (channel: number): Uint8Array =>
  method(channel, METHOD.confirmSelect, new Writer().octet(0))

/** A queue of this connection alone, which the server names. */
export const declareOwnQueue = (channel: number): Uint8Array =>
  method(
    channel,
    METHOD.queueDeclare,
    // exclusive (4) and auto-delete (8)
    new Writer().short(0).shortstr('').octet(0b1100).table({}),
  )

export const deleteQueue = (channel: number, queue: string): Uint8Array =>
  method(channel, METHOD.queueDelete, new Writer().short(0).shortstr(queue).octet(0))

/** A mandatory message to one queue by the default exchange: method, header without properties, body. */
export function publish(channel: number, queue: string, body: Uint8Array): Uint8Array {
  const header = new Writer().short(BASIC).short(0).longlong(BigInt(body.length)).short(0)
  return new Writer()
    .raw(method(channel, METHOD.basicPublish, new Writer().short(0).shortstr('').shortstr(queue).octet(1)))
    .raw(frame(FRAME.header, channel, header.bytes))
    .raw(frame(FRAME.body, channel, body)).bytes
}

/** Takes a message without acknowledging it. */
export const get = (channel: number, queue: string): Uint8Array =>
  method(channel, METHOD.basicGet, new Writer().short(0).shortstr(queue).octet(1))

export const heartbeat = (): Uint8Array => frame(FRAME.heartbeat, 0, new Uint8Array())
