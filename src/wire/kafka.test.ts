import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apiVersions,
  KafkaError,
  metadata,
  readApiVersions,
  readMetadata,
  readSaslAuthenticate,
  readSaslHandshake,
  responseLength,
  saslAuthenticate,
  saslHandshake,
} from './kafka.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const CLIENT = `0008${Buffer.from('holdfast').toString('hex')}`
const NAME = Buffer.from('holdfast').toString('hex')

describe('a request is length, key, version, number, client and its fields', () => {
  test.each([
    ['ApiVersions 0', apiVersions(1), `00000012 0012 0000 68660001 ${CLIENT}`],
    ['ApiVersions 3', apiVersions(2, 3), `0000001f 0012 0003 68660002 ${CLIENT} 00 09${NAME} 0230 00`],
    ['SaslHandshake 1', saslHandshake(1, 'PLAIN'), `00000019 0011 0001 68660001 ${CLIENT} 0005504c41494e`],
    [
      'SaslAuthenticate 0',
      saslAuthenticate(1, Uint8Array.of(1, 2)),
      `00000018 0024 0000 68660001 ${CLIENT} 000000020102`,
    ],
    ['Metadata 1 of no topic', metadata(1, 1, []), `00000016 0003 0001 68660001 ${CLIENT} 00000000`],
    ['Metadata 2 of all topics', metadata(1, 2, undefined), `00000016 0003 0002 68660001 ${CLIENT} ffffffff`],
    [
      'Metadata 4 of one topic, which is not made',
      metadata(1, 4, ['a']),
      `0000001a 0003 0004 68660001 ${CLIENT} 00000001000161 00`,
    ],
  ])('%s', (_, request, expected) => expect(hex(request)).toBe(expected.replaceAll(' ', '')))
})

describe('an answer', () => {
  test('is known by its number', () => {
    expect(responseLength(bytes('0000000a 68660001 0000'), 1)).toBe(10)
    expect(responseLength(bytes('0000000a 68660002 0000'), 1)).toBeUndefined()
  })

  test('may still be one while only its beginning has come', () => {
    const whole = bytes('0000000a 68660001')
    for (let n = 0; n < 8; n++) expect(responseLength(whole.subarray(0, n), 1)).toBeDefined()
  })

  test.each(['48545450', '01000001', 'ffffffff', '00000003', '0000000a 69'])(
    'that begins with %s is none',
    text => expect(responseLength(bytes(text), 1)).toBeUndefined(),
  )

  test('to ApiVersions lists what is served, in version 0 and in 3', () => {
    expect(readApiVersions(bytes('0000 00000002 0003 0000 0009 0012 0000 0003'), 0)).toEqual({
      error: 0,
      versions: new Map([
        [3, [0, 9]],
        [18, [0, 3]],
      ]),
    })
    // Version 3 ends with a throttle time and tagged fields, features among them.
    expect(readApiVersions(bytes('0000 02 0003 0000 0009 00 00000000 00'), 3).versions.get(3)).toEqual([0, 9])
  })

  test('that is an error is not read on, whatever version it is in', () => {
    for (const rest of ['', '00000000', '00000001001200000003', '020012000000030000000000', 'ff'])
      expect(readApiVersions(bytes(`0023${rest}`), 3)).toEqual({ error: 35, versions: new Map() })
  })

  test('to a handshake lists the mechanisms', () => {
    expect(readSaslHandshake(bytes('0021 00000002 0005504c41494e 000161'))).toEqual({
      error: 33,
      mechanisms: ['PLAIN', 'a'],
    })
  })

  test('to a login is an error with or without a message, or data', () => {
    expect(readSaslAuthenticate(bytes('003a 00026e6f 00000000'))).toEqual({
      error: 58,
      message: 'no',
      data: new Uint8Array(),
    })
    expect(readSaslAuthenticate(bytes('0000 ffff 00000001 07'))).toEqual({
      error: 0,
      message: '',
      data: Uint8Array.of(7),
    })
    expect(readSaslAuthenticate(bytes('0000 ffff ffffffff')).data).toEqual(new Uint8Array())
  })

  const brokers = '00000001 00000007 000168 00002384 ffff'
  const topics = '00000001 0000 000161 00 00000001 0005 00000000 ffffffff 00000001 00000007 00000000'
  test.each([
    [1, `${brokers} 00000007 ${topics}`],
    [2, `${brokers} 000163 00000007 ${topics}`],
    [3, `00000000 ${brokers} 000163 00000007 ${topics}`],
    [4, `00000000 ${brokers} ffff 00000007 ${topics}`],
  ])('to Metadata in version %i names brokers, controller and topics', (version, text) => {
    expect(readMetadata(bytes(text), version)).toEqual({
      brokers: [{ id: 7, host: 'h', port: 9092 }],
      controller: 7,
      topics: [{ error: 0, name: 'a', partitions: [5] }],
    })
  })

  test.each([
    ['a list longer than what is left', '0000 7fffffff'],
    ['a list of negative length', '0000 fffffffe'],
    ['less than was promised', '0000 00000001 0003'],
  ])('with %s is refused', (_, text) => expect(() => readApiVersions(bytes(text), 0)).toThrow(KafkaError))

  test('of any bytes is read or refused, and costs no memory', () => {
    const readers = [
      (body: Uint8Array) => readApiVersions(body, 0),
      (body: Uint8Array) => readApiVersions(body, 3),
      readSaslHandshake,
      readSaslAuthenticate,
      ...[1, 2, 3, 4].map(version => (body: Uint8Array) => readMetadata(body, version)),
    ]
    const some = fc.array(fc.oneof(fc.constantFrom(0, 1, 255), fc.nat(255)), { maxLength: 80 })
    fc.assert(
      fc.property(fc.constantFrom(...readers), some, (read, body) => {
        try {
          read(Uint8Array.from(body))
        } catch (error) {
          expect(error).toBeInstanceOf(KafkaError)
        }
      }),
    )
  })
})
