import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginsConnack,
  connect,
  disconnect,
  type MqttPacket,
  type MqttSource,
  MqttSyntaxError,
  type MqttVersion,
  pingreq,
  puback,
  publish,
  readPacket,
  subscribe,
  unsubscribe,
} from './mqtt.js'

class OutOfBytes extends Error {}

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements MqttSource {
  #at = 0
  asked = 0
  readonly #all: Buffer
  constructor(bytes: Uint8Array) {
    this.#all = Buffer.from(bytes)
  }
  get left(): number {
    return this.#all.length - this.#at
  }
  async read(n: number): Promise<Uint8Array> {
    this.asked = Math.max(this.asked, n)
    if (n > this.left) throw new OutOfBytes()
    this.#at += n
    return this.#all.subarray(this.#at - n, this.#at)
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const read = (text: string, version: MqttVersion = 4) =>
  readPacket(new Bytes(Buffer.from(text.replaceAll(' ', ''), 'hex')), version)

describe('what a client says', () => {
  test.each<[string, Uint8Array, string]>([
    ['CONNECT', connect({ version: 4, clientId: 'a' }), '10 0d 0004 4d515454 04 02 0000 0001 61'],
    ['CONNECT of 5', connect({ version: 5, clientId: '' }), '10 0d 0004 4d515454 05 02 0000 00 0000'],
    [
      'CONNECT with user and password',
      connect({ version: 4, clientId: '', user: 'é', password: 'p' }),
      '10 13 0004 4d515454 04 c2 0000 0000 0002 c3a9 0001 70',
    ],
    [
      'CONNECT of 5 with a password alone',
      connect({ version: 5, clientId: '', password: 'p' }),
      '10 10 0004 4d515454 05 42 0000 00 0000 0001 70',
    ],
    ['SUBSCRIBE', subscribe(4, 1, ['a', 'b'], 1), '82 0a 0001 0001 61 01 0001 62 01'],
    ['SUBSCRIBE of 5', subscribe(5, 256, ['a'], 0), '82 07 0100 00 0001 61 00'],
    ['UNSUBSCRIBE', unsubscribe(4, 2, ['a']), 'a2 05 0002 0001 61'],
    ['PUBLISH', publish(4, 3, 'a', 'hi'), '32 07 0001 61 0003 6869'],
    ['PUBLISH of 5', publish(5, 3, 'a', ''), '32 06 0001 61 0003 00'],
    ['PUBACK', puback(3), '40 02 0003'],
    ['PINGREQ', pingreq(), 'c0 00'],
    ['DISCONNECT', disconnect(), 'e0 00'],
  ])('%s', (_, bytes, wanted) => expect(hex(bytes)).toBe(wanted.replaceAll(' ', '')))

  test('has a length of several bytes where it is long', () => {
    expect(hex(publish(4, 1, 'a', 'x'.repeat(123))).slice(0, 6)).toBe('328001')
    expect(hex(publish(4, 1, 'a', 'x'.repeat(16_379))).slice(0, 8)).toBe('32808001')
  })

  test('holds no string that is longer than its length can say', () => {
    expect(() => connect({ version: 4, clientId: 'x'.repeat(65_536) })).toThrow(RangeError)
    expect(connect({ version: 4, clientId: 'x'.repeat(65_535) }).length).toBeGreaterThan(65_535)
  })
})

describe('a packet of a broker', () => {
  test.each<[string, MqttVersion, MqttPacket]>([
    ['20 02 00 00', 4, { type: 'CONNACK', code: 0 }],
    ['20 02 01 05', 4, { type: 'CONNACK', code: 5 }],
    ['20 03 00 87 00', 5, { type: 'CONNACK', code: 0x87 }],
    ['20 09 00 00 06 22 00 0a 21 00 14', 5, { type: 'CONNACK', code: 0 }],
    ['20 02 00 01', 5, { type: 'CONNACK', code: 1 }],
    ['90 04 0001 01 80', 4, { type: 'SUBACK', id: 1, codes: [1, 128] }],
    ['90 06 0001 02 1f00 87', 5, { type: 'SUBACK', id: 1, codes: [0x87] }],
    ['40 02 0007', 4, { type: 'PUBACK', id: 7, code: 0 }],
    ['40 03 0007 87', 5, { type: 'PUBACK', id: 7, code: 0x87 }],
    ['30 05 0001 61 6869', 4, { type: 'PUBLISH', topic: 'a', payload: 'hi' }],
    ['33 07 0001 61 0009 6869', 4, { type: 'PUBLISH', topic: 'a', payload: 'hi', id: 9 }],
    ['32 08 0001 61 0009 00 6869', 5, { type: 'PUBLISH', topic: 'a', payload: 'hi', id: 9 }],
    ['d0 00', 4, { type: 'PINGRESP' }],
    ['b0 02 0001', 4, { type: 'UNSUBACK' }],
    ['e0 00', 5, { type: 'DISCONNECT', code: 0 }],
    ['e0 02 8b 00', 5, { type: 'DISCONNECT', code: 0x8b }],
    ['f0 02 18 00', 5, { type: 'AUTH' }],
  ])('%s of version %i', async (text, version, wanted) => {
    expect(await read(text, version)).toEqual(wanted)
  })

  test.each([
    '00 00',
    '10 00',
    '50 02 0001',
    '82 02 0001',
    'c0 00',
    '20 00',
    '20 01 00',
    '21 02 00 00',
    '90 01 00',
    '34 05 0001 61 0001',
    '30 02 0005',
    '20 ff ff ff ff 01',
    '30 ff ff ff 7f',
  ])('%s is none', text => expect(read(text)).rejects.toThrow(MqttSyntaxError))

  test('that declares megabytes is refused before a byte of it is read', async () => {
    const source = new Bytes(Buffer.from('30ffffff7f', 'hex'))
    await expect(readPacket(source, 4)).rejects.toThrow(MqttSyntaxError)
    expect(source.asked).toBe(1)
  })

  test('leaves the next one where it is', async () => {
    const source = new Bytes(Buffer.from('20020000d000', 'hex'))
    await readPacket(source, 4)
    expect(await readPacket(source, 4)).toEqual({ type: 'PINGRESP' })
    expect(source.left).toBe(0)
  })
})

test('a broker begins with CONNACK, as far as it has come', () => {
  for (const yes of ['20', '2002', '200200', '20020005', '20030087', '2009000006'])
    expect(beginsConnack(Buffer.from(yes, 'hex'))).toBe(true)
  for (const no of ['', '2000', '20020200', '20020006', '2d455252', '15030100'])
    expect(beginsConnack(Buffer.from(no, 'hex'))).toBe(false)
})

const version = fc.constantFrom<MqttVersion>(4, 5)
const word = fc.stringMatching(/^[a-zA-Z0-9/é]{1,60}$/)

test('what is published is read as it was, whatever it holds', () =>
  fc.assert(
    fc.asyncProperty(
      version,
      fc.integer({ min: 1, max: 65_535 }),
      word,
      fc.stringMatching(/^[\x20-\x7eé]{0,300}$/),
      async (version, id, topic, payload) => {
        const packet = await readPacket(new Bytes(publish(version, id, topic, payload)), version)
        expect(packet).toEqual({ type: 'PUBLISH', topic, payload, id })
      },
    ),
  ))

test('a packet that is cut short is not made up', () =>
  fc.assert(
    fc.asyncProperty(version, word, fc.nat(), async (version, topic, at) => {
      const bytes = publish(version, 1, topic, 'payload')
      const cut = bytes.subarray(0, at % bytes.length)
      await expect(readPacket(new Bytes(cut), version)).rejects.toThrow(OutOfBytes)
    }),
  ))

test('bytes without order give a packet, a syntax error or the end, and nothing else', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), version, async (bytes, version) => {
      const error = await readPacket(new Bytes(bytes), version).catch((error: unknown) => error)
      if (error instanceof Error)
        expect(error instanceof MqttSyntaxError || error instanceof OutOfBytes).toBe(true)
      expect(typeof beginsConnack(bytes)).toBe('boolean')
    }),
  ))
