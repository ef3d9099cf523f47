import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CAN,
  columnCount,
  concat,
  cstring,
  Fields,
  type Greeting,
  greeting,
  hasMore,
  header,
  login,
  MAX_PAYLOAD,
  MalformedError,
  packet,
  query,
  quit,
  serverError,
  sslRequest,
  textRow,
  utf8,
} from './mysql.js'

const bytes = (...values: (number | string)[]): Uint8Array =>
  concat(...values.map(it => (typeof it === 'string' ? utf8(it) : Uint8Array.of(it))))

/** A length-encoded string, as a server writes it. */
function lenenc(value: Uint8Array): Uint8Array {
  const { length } = value
  if (length < 251) return concat(Uint8Array.of(length), value)
  if (length < 65_536) return concat(Uint8Array.of(0xfc, length & 255, length >> 8), value)
  return concat(Uint8Array.of(0xfd, length & 255, (length >> 8) & 255, length >> 16), value)
}

const NONCE = Uint8Array.from({ length: 20 }, (_, i) => i + 1)

const opening = (version: string, capabilities: number, thread: number, plugin: string): Uint8Array => {
  const four = (n: number) => Uint8Array.from({ length: 4 }, (_, i) => (n >>> (8 * i)) & 255)
  const [a = 0, b = 0, c = 0, d = 0] = four(capabilities)
  return concat(
    bytes(10, `${version}\0`),
    four(thread),
    NONCE.subarray(0, 8),
    bytes(0, a, b, 45, 2, 0, c, d, 21),
    new Uint8Array(10),
    NONCE.subarray(8),
    bytes(0, `${plugin}\0`),
  )
}

/** Whatever comes, nothing but a message or the codec's own error. */
const tamed = (work: () => unknown): void => {
  try {
    work()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
}

describe('a packet', () => {
  test('is a length, a number and a payload', () => {
    expect(query('SELECT 1')).toEqual(bytes(9, 0, 0, 0, 3, 'SELECT 1'))
    expect(quit()).toEqual(Uint8Array.of(1, 0, 0, 0, 1))
  })

  test('says how long it is, whatever is in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000 }), fc.nat(255), (payload, sequence) => {
        expect(header(packet(sequence, payload))).toEqual({ size: payload.length, sequence })
      }),
    )
  })

  test('is never so long that it would go on in another', () => {
    expect(() => packet(0, new Uint8Array(MAX_PAYLOAD))).toThrow(RangeError)
  })
})

describe('a greeting', () => {
  test('tells version, connection, capabilities, nonce and plugin', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60 }).filter(text => !text.includes('\0')),
        fc.nat(0xffffffff),
        fc.nat(0xffffffff),
        (version, capabilities, thread) => {
          const can = (capabilities | CAN.PLUGIN_AUTH) >>> 0
          const seen = greeting(opening(version, can, thread, 'caching_sha2_password'))
          expect(seen).toEqual<Greeting>({
            version,
            thread,
            capabilities: can,
            nonce: concat(NONCE, Uint8Array.of(0)),
            plugin: 'caching_sha2_password',
          })
        },
      ),
    )
  })

  test('of a server without plugins ends after the nonce, of one before 4.1 before it', () => {
    const whole = opening('5.1.73', CAN.PROTOCOL_41 | CAN.SECURE_CONNECTION, 1, '')
    expect(greeting(whole)).toMatchObject({ version: '5.1.73', plugin: '' })
    const short = whole.subarray(0, 1 + 7 + 4 + 8 + 1 + 2)
    expect(greeting(short)).toMatchObject({ nonce: NONCE.subarray(0, 8), plugin: '' })
  })

  test('of another protocol version is malformed', () => {
    expect(() => greeting(bytes(9, '3.23\0'))).toThrow(MalformedError)
  })

  test('that is cut off, or is none, hangs nowhere', () => {
    const whole = opening('8.0.36', 0xffffffff, 7, 'mysql_native_password')
    for (let i = 0; i < whole.length; i++) tamed(() => greeting(whole.subarray(0, i)))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), it => tamed(() => greeting(it))))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), it => tamed(() => greeting(bytes(10, ...it)))))
  })
})

describe('a login', () => {
  const all =
    CAN.PROTOCOL_41 | CAN.PLUGIN_AUTH | CAN.PLUGIN_AUTH_LENENC | CAN.CONNECT_WITH_DB | CAN.CONNECT_ATTRS
  const it = { user: 'app', proof: NONCE, database: 'shop', plugin: 'p', attributes: { program_name: 'x' } }

  test('holds what both sides can, in the order of the specification', () => {
    const fields = new Fields(login(1, { ...it, capabilities: all }).subarray(4))
    expect([fields.int(4), fields.int(4), fields.int(1)]).toEqual([all, MAX_PAYLOAD, 45])
    expect(fields.take(23)).toEqual(new Uint8Array(23))
    expect(fields.cstring()).toBe('app')
    expect(fields.take(fields.lenenc() ?? 0)).toEqual(NONCE)
    expect([fields.cstring(), fields.cstring()]).toEqual(['shop', 'p'])
    expect(fields.rest()).toEqual(bytes(15, 12, 'program_name', 1, 'x'))
  })

  test('leaves out what the server cannot', () => {
    const bare = login(1, { ...it, capabilities: CAN.PROTOCOL_41 }).subarray(4)
    expect(bare.subarray(32)).toEqual(concat(cstring('app'), bytes(20), NONCE))
  })

  test('takes a proof of any length, as a public key makes', () => {
    const proof = new Uint8Array(256).fill(7)
    const fields = new Fields(login(1, { ...it, capabilities: all, proof }).subarray(4 + 32))
    fields.cstring()
    expect(fields.take(fields.lenenc() ?? 0)).toEqual(proof)
  })

  test('begins like the request for TLS, which ends before the user', () => {
    const request = sslRequest(1, all)
    expect(request).toHaveLength(4 + 32)
    expect(new Fields(request.subarray(4)).int(4)).toBe(all | CAN.SSL)
  })
})

describe('an error', () => {
  test.each([
    ['of a session', bytes(0xff, 0x15, 4, '#28000Access denied'), 1045, '28000', 'Access denied'],
    ['before the greeting', bytes(0xff, 0x10, 4, 'Too many connections'), 1040, '', 'Too many connections'],
    ['without a message', bytes(0xff, 0x10, 4), 1040, '', ''],
    ['that begins with a sign', bytes(0xff, 0x10, 4, '#not a state'), 1040, '', '#not a state'],
    ['that ends in zero bytes', bytes(0xff, 0x15, 4, '#28000De\0nied\0\0'), 1045, '28000', 'De\0nied'],
  ])('%s tells its number', (_, payload, errno, state, message) => {
    expect(serverError(payload)).toEqual({ errno, state, message })
  })

  test('as long as a packet may be is read as far as an error goes', () => {
    const zeros = new Uint8Array(30_000)
    expect(serverError(concat(bytes(0xff, 0x15, 4, '#28000'), zeros, bytes('x'))).message).toBe('')
    expect(
      serverError(concat(bytes(0xff, 0x15, 4), new Uint8Array(MAX_PAYLOAD - 10).fill(0x61))).message,
    ).toBe('a'.repeat(4096))
  })
})

describe('a row', () => {
  test('comes back as it was written', () => {
    const value = fc.option(fc.oneof(fc.string(), fc.string({ minLength: 300, maxLength: 400 })), {
      nil: null,
    })
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), row => {
        const written = concat(...row.map(it => (it === null ? Uint8Array.of(0xfb) : lenenc(utf8(it)))))
        // What is no text is written as the replacement character.
        expect(textRow(written, row.length)).toEqual(row.map(it => it && Buffer.from(it).toString()))
      }),
    )
    const long = 'x'.repeat(70_000)
    expect(textRow(lenenc(utf8(long)), 1)).toEqual([long])
  })

  test('of which the end was dropped has the values that are there', () => {
    const written = concat(
      lenenc(utf8('yes')),
      bytes(0xfb),
      lenenc(utf8('x'.repeat(70_000))),
      lenenc(utf8('no')),
    )
    const all = ['yes', null, 'x'.repeat(70_000), 'no']
    for (const end of [0, 3, 5, 12, 20, 1000, written.length - 3]) {
      const row = textRow(written.subarray(0, end), all.length, true)
      const whole = row.slice(0, -1)
      expect(whole).toEqual(all.slice(0, whole.length))
      expect(all[whole.length] ?? '').toContain(row.at(-1) ?? '')
    }
    expect(textRow(written.subarray(0, 1000), 4, true)).toHaveLength(3)
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(5000), (it, columns) => tamed(() => textRow(it, columns, true))),
    )
  })

  test('that is cut off, or is none, throws nothing but the error of the codec', () => {
    fc.assert(fc.property(fc.uint8Array(), fc.nat(5000), (it, columns) => tamed(() => textRow(it, columns))))
    fc.assert(fc.property(fc.uint8Array(), it => tamed(() => columnCount(it))))
    fc.assert(fc.property(fc.uint8Array(), it => tamed(() => hasMore(it, CAN.DEPRECATE_EOF))))
    fc.assert(fc.property(fc.uint8Array(), it => tamed(() => serverError(it))))
  })

  test('belongs to a result whose columns a table can have', () => {
    expect(columnCount(Uint8Array.of(2))).toBe(2)
    for (const none of [[0], [0xfb], [0xfc, 0xff, 0xff], [1, 1]])
      expect(() => columnCount(Uint8Array.from(none))).toThrow(MalformedError)
  })
})

test.each([
  ['the old end of rows', bytes(0xfe, 0, 0, 8, 0), 0, true],
  ['the new one', bytes(0xfe, 0, 0, 8, 0, 0, 0), CAN.DEPRECATE_EOF, true],
  ['the last one', bytes(0xfe, 0, 0, 2, 0, 0, 0), CAN.DEPRECATE_EOF, false],
  ['an OK with many rows', bytes(0, 0xfc, 1, 1, 0, 10, 0, 0, 0), 0, true],
])('%s says whether another result follows', (_, payload, capabilities, more) => {
  expect(hasMore(payload, capabilities)).toBe(more)
})
