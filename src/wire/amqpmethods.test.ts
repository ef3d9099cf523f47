import { expect, test } from 'vitest'
import { AmqpSyntaxError, FRAME, Reader, readFrame, Writer } from './amqp.js'
import {
  close,
  declareOwnQueue,
  get,
  METHOD,
  methodOf,
  open,
  publish,
  readClose,
  readStart,
  readTune,
  startOk,
  tuneOk,
} from './amqpmethods.js'

/** The frames in these bytes, one after the other. */
async function framesIn(bytes: Uint8Array) {
  let at = 0
  const source = {
    async read(n: number) {
      at += n
      return bytes.subarray(at - n, at)
    },
  }
  const frames = []
  while (at < bytes.length) frames.push(await readFrame(source))
  return frames
}

const only = async (bytes: Uint8Array) => {
  const [frame, ...more] = await framesIn(bytes)
  expect(more).toEqual([])
  return methodOf(frame ?? { type: 0, channel: 0, payload: new Uint8Array() })
}

test('connection.start tells version, properties and mechanisms', () => {
  const args = new Writer().octet(0).octet(9).table({ product: 'RabbitMQ' }).longstr('PLAIN  EXTERNAL')
  expect(readStart(new Reader(args.longstr('en_US').bytes))).toEqual({
    version: '0-9',
    properties: { product: 'RabbitMQ' },
    mechanisms: ['PLAIN', 'EXTERNAL'],
  })
})

test('start-ok carries properties, mechanism, response and locale', async () => {
  const { id, args } = await only(startOk({ product: 'x' }, 'PLAIN', '\0app\0é'))
  expect(id).toBe(METHOD.startOk)
  expect([args.table(), args.shortstr(), args.longstr(), args.shortstr(), args.left]).toEqual([
    { product: 'x' },
    'PLAIN',
    '\0app\0é',
    'en_US',
    0,
  ])
})

test.each([
  ['what the server offers', 4096, 4096],
  ['its own limit in place of none', 0, 131_072],
  ['its own limit in place of a higher one', 1 << 20, 131_072],
])('tune-ok takes %s', async (_, frameMax, taken) => {
  const { args } = await only(tuneOk({ channelMax: 7, frameMax, heartbeat: 60 }, 10))
  expect(readTune(args)).toEqual({ channelMax: 7, frameMax: taken, heartbeat: 10 })
})

test('open names the virtual host', async () => {
  const { id, args } = await only(open('/'))
  expect([id, args.shortstr(), args.shortstr(), args.octet(), args.left]).toEqual([
    METHOD.open,
    '/',
    '',
    0,
    0,
  ])
})

test('a close is read as it is written', async () => {
  const { id, args } = await only(close(200, 'bye'))
  expect(id).toBe(METHOD.close)
  expect(readClose(args)).toEqual({ code: 200, text: 'bye', method: 0 })
})

test('the queue of a probe is exclusive, deletes itself, and has no name yet', async () => {
  const { id, args } = await only(declareOwnQueue(1))
  expect([id, args.short(), args.shortstr(), args.octet(), args.table(), args.left]).toEqual([
    METHOD.queueDeclare,
    0,
    '',
    0b1100,
    {},
    0,
  ])
})

test('a message is a mandatory publish, a header with its length, and a body', async () => {
  const [first, header, body, ...more] = await framesIn(publish(3, 'q', Uint8Array.of(1, 2, 3)))
  expect(more).toEqual([])
  const { id, args } = methodOf(first ?? { type: 0, channel: 0, payload: new Uint8Array() })
  expect([id, args.short(), args.shortstr(), args.shortstr(), args.octet()]).toEqual([
    METHOD.basicPublish,
    0,
    '',
    'q',
    1,
  ])
  expect(header).toMatchObject({ type: FRAME.header, channel: 3 })
  const fields = new Reader(header?.payload ?? new Uint8Array())
  expect([fields.short(), fields.short(), fields.longlong(), fields.short(), fields.left]).toEqual([
    60,
    0,
    3n,
    0,
    0,
  ])
  expect(body).toEqual({ type: FRAME.body, channel: 3, payload: Uint8Array.of(1, 2, 3) })
})

test('a get needs no acknowledgement', async () => {
  const { id, args } = await only(get(1, 'q'))
  expect([id, args.short(), args.shortstr(), args.octet(), args.left]).toEqual([
    METHOD.basicGet,
    0,
    'q',
    1,
    0,
  ])
})

test('a frame of another type is no method, and neither is one that is cut off', () => {
  const frame = { type: FRAME.header, channel: 0, payload: new Uint8Array(8) }
  expect(() => methodOf(frame)).toThrow(AmqpSyntaxError)
  expect(() => methodOf({ ...frame, type: FRAME.method, payload: new Uint8Array(3) })).toThrow(
    AmqpSyntaxError,
  )
})
