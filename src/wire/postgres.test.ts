import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as wire from './postgres.js'

const bytes = (...values: (number | string)[]): Uint8Array =>
  wire.concat(
    ...values.map(value =>
      typeof value === 'string' ? new TextEncoder().encode(value) : Uint8Array.of(value),
    ),
  )
const binary = fc.uint8Array({ maxLength: 200 })
const text = fc.string({ unit: 'binary', maxLength: 30 }).filter(one => !one.includes('\0'))

describe('what a client sends', () => {
  test('to ask for TLS is eight bytes', () => {
    expect([...wire.sslRequest()]).toEqual([0, 0, 0, 8, 4, 210, 22, 47])
  })

  test('to begin is its length, the version, names and values, and an end', () => {
    expect(wire.startup({ user: 'me', database: 'é' })).toEqual(
      bytes(0, 0, 0, 29, 0, 3, 0, 0, 'user\0me\0database\0é\0', 0),
    )
  })

  test('as a query is its type, the length without the type, and the text with its end', () => {
    expect(wire.query('SELECT 1')).toEqual(bytes('Q', 0, 0, 0, 13, 'SELECT 1\0'))
  })

  test('as a password ends with a zero, too', () => {
    expect(wire.password('pw')).toEqual(bytes('p', 0, 0, 0, 7, 'pw\0'))
  })

  test('to begin SASL is the mechanism and the counted data, later the data alone', () => {
    expect(wire.saslInitial('SCRAM-SHA-256', 'n,,é')).toEqual(
      bytes('p', 0, 0, 0, 27, 'SCRAM-SHA-256\0', 0, 0, 0, 5, 'n,,é'),
    )
    expect(wire.saslResponse('c=é')).toEqual(bytes('p', 0, 0, 0, 8, 'c=é'))
  })

  test('to leave is a type and a length', () => {
    expect(wire.terminate()).toEqual(bytes('X', 0, 0, 0, 4))
  })

  test('always says its own length, without the type byte', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z]$/), fc.array(binary), (type, parts) => {
        const message = wire.message(type, ...parts)
        const fields = new wire.Fields(message)
        expect(String.fromCharCode(fields.byte())).toBe(type)
        expect(fields.int32()).toBe(message.length - 1)
        expect(fields.rest()).toEqual(wire.concat(...parts))
      }),
    )
  })
})

describe('the fields of a message', () => {
  test('are read in their order, numbers with their sign', () => {
    const fields = new wire.Fields(bytes(255, 255, 254, 128, 0, 0, 0, 'text\0', 'rest'))
    expect(fields.byte()).toBe(255)
    expect(fields.int16()).toBe(-2)
    expect(fields.int32()).toBe(-(2 ** 31))
    expect(fields.cstring()).toBe('text')
    expect(fields.left).toBe(4)
    expect(wire.decode(fields.take(1))).toBe('r')
    expect(wire.decode(fields.rest())).toBe('est')
    expect(fields.left).toBe(0)
  })

  test('may be empty strings', () => {
    const fields = new wire.Fields(bytes(0, 0, 'x'))
    expect([fields.cstring(), fields.cstring(), fields.left]).toEqual(['', '', 1])
  })

  test('are those of the given part of a larger buffer', () => {
    const fields = new wire.Fields(bytes(1, 2, 0, 0, 0, 7, 9).subarray(2, 6))
    expect(fields.int32()).toBe(7)
    expect(fields.left).toBe(0)
  })

  test.each<[string, (fields: wire.Fields) => unknown]>([
    ['byte', fields => [fields.rest(), fields.byte()]],
    ['int16', fields => fields.int16()],
    ['int32', fields => fields.int32()],
    ['take', fields => fields.take(2)],
    ['a negative take', fields => fields.take(-1)],
    ['string', fields => fields.cstring()],
  ])('end a message that is too short for a %s', (_, read) => {
    expect(() => read(new wire.Fields(bytes('x')))).toThrow(wire.MalformedError)
  })

  test('are not touched by a read that failed', () => {
    const fields = new wire.Fields(bytes('abc'))
    expect(() => fields.int32()).toThrow(wire.MalformedError)
    expect(fields.left).toBe(3)
  })

  test('give back what was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), text, binary, (number, string, rest) => {
        const fields = new wire.Fields(wire.concat(wire.int32(number), bytes(`${string}\0`), rest))
        expect([fields.int32(), fields.cstring(), fields.rest()]).toEqual([number, string, rest])
      }),
    )
  })
})

describe('an error of the server', () => {
  const body = (...fields: string[]) => bytes(...fields.map(field => `${field}\0`), 0)

  test('gives severity, code, message, detail, hint and routine', () => {
    expect(
      wire.serverMessage(
        body(
          'SFATAL',
          'VFATAL',
          'C28P01',
          'Mno entry',
          'Dthe detail',
          'Hthe hint',
          'Fauth.c',
          'L300',
          'Rauth_failed',
        ),
      ),
    ).toEqual({
      severity: 'FATAL',
      code: '28P01',
      message: 'no entry',
      detail: 'the detail',
      hint: 'the hint',
      routine: 'auth_failed',
    })
  })

  test('has the severity that is never translated, whichever comes first', () => {
    expect(wire.serverMessage(body('SFATAL', 'VERROR', 'Mx')).severity).toBe('ERROR')
    expect(wire.serverMessage(body('VERROR', 'SFEHLER', 'Mx')).severity).toBe('ERROR')
  })

  test('of an old server or a pooler has the severity there is', () => {
    expect(wire.serverMessage(body('SERROR', 'C08P01', 'Mx'))).toEqual({
      severity: 'ERROR',
      code: '08P01',
      message: 'x',
    })
  })

  test('may end without its end byte, and may be empty', () => {
    expect(wire.serverMessage(bytes('Mx\0')).message).toBe('x')
    expect(wire.serverMessage(new Uint8Array())).toEqual({ message: '' })
  })

  test('that stops in the middle of a field is malformed', () => {
    for (const text of ['Mno end', 'M'])
      expect(() => wire.serverMessage(bytes(text))).toThrow(wire.MalformedError)
  })
})

describe('a row', () => {
  const row = (values: readonly (string | null)[]) =>
    wire.concat(
      Uint8Array.of(values.length >> 8, values.length & 255),
      ...values.flatMap(value => {
        if (value === null) return [wire.int32(-1)]
        const data = new TextEncoder().encode(value)
        return [wire.int32(data.length), data]
      }),
    )

  test('gives back the values that were written, NULL as null', () => {
    fc.assert(
      fc.property(fc.array(fc.option(text)), values => {
        expect(wire.dataRow(row(values))).toEqual(values)
      }),
    )
  })

  test.each([
    ['counts more columns than there are', bytes(0, 2, 0, 0, 0, 1, 'a')],
    ['has a value longer than the message', bytes(0, 1, 0, 0, 0, 9, 'a')],
    ['declares a gigabyte', bytes(0, 1, 0x40, 0, 0, 0, 'a')],
    ['has a negative length that is not NULL', bytes(0, 1, 255, 255, 255, 254)],
    ['is empty', new Uint8Array()],
  ])('that %s is malformed', (_, body) => {
    expect(() => wire.dataRow(body)).toThrow(wire.MalformedError)
  })

  test('of any truncated length is malformed, and never a shorter row', () => {
    const whole = row(['one', null, 'three'])
    for (let size = 0; size < whole.length; size++)
      expect(() => wire.dataRow(whole.subarray(0, size))).toThrow(wire.MalformedError)
  })
})

test('random bytes are a message or malformed, and nothing else happens', () => {
  fc.assert(
    fc.property(binary, body => {
      for (const parse of [wire.serverMessage, wire.dataRow]) {
        try {
          parse(body)
        } catch (error) {
          expect(error).toBeInstanceOf(wire.MalformedError)
        }
      }
    }),
    { numRuns: 2000 },
  )
})
