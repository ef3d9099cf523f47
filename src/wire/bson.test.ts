import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  BsonError,
  BsonLimitError,
  type Document,
  decode,
  encode,
  MAX_VALUES,
  ObjectId,
  type Value,
} from './bson.js'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const plain = (document: Document) => ({ ...document })

/** Documents of MongoDB's BSON corpus (specifications/source/bson-corpus/tests), type by type. */
const CORPUS: readonly (readonly [string, string, Document])[] = [
  ['an empty array', '0D000000046100050000000000', { a: [] }],
  ['an array', '140000000461000C0000001030000A0000000000', { a: [10] }],
  ['binary', '0D000000057800000000000000', { x: new Uint8Array() }],
  ['true', '090000000862000100', { b: true }],
  ['a double', '10000000016400000000000000F03F00', { d: 1 }],
  ['a document', '150000000378000D00000002000200000062000000', { x: { '': 'b' } }],
  ['a string', '0E00000002610002000000620000', { a: 'b' }],
  [
    'an ObjectId',
    '1400000007610056E1FC72E0C917E9C471416100',
    { a: new ObjectId('56e1fc72e0c917e9c4714161') },
  ],
  ['a date', '10000000096100C5D8D6CC3B01000000', { a: 1356351330501 }],
  ['null', '080000000A610000', { a: null }],
  ['code', '0E0000000D610002000000620000', { a: 'b' }],
  ['a symbol', '0E0000000E610002000000620000', { a: 'b' }],
  ['code with scope', '1A0000000F610012000000050000006162636400050000000000', { a: undefined }],
  ['a pointer', '1A0000000C610002000000620056E1FC72E0C917E9C471416100', { a: undefined }],
  ['a regular expression', '0D0000000B6100616263000000', { a: undefined }],
  ['a time stamp', '100000001161002A00000015CD5B0700', { a: undefined }],
  ['the least key', '08000000FF610000', { a: undefined }],
]

test.each(CORPUS)('%s is read', (_, bytes, document) => {
  const read = decode(hex(bytes))
  expect(Object.keys(read)).toEqual(Object.keys(document))
  expect(JSON.stringify(read)).toBe(JSON.stringify(document))
})

test('what a probe sends is written in the types that servers expect', () => {
  const written = (document: Document) => Buffer.from(encode(document)).toString('hex')
  expect(written({ a: 1 })).toBe('0c0000001061000100000000')
  expect(written({ a: 'b' })).toBe('0e00000002610002000000620000')
  expect(written({ a: [10] })).toBe('140000000461000c0000001030000a0000000000')
  expect(written({ a: null, b: true })).toBe('0c0000000a61000862000100')
  expect(written({ d: 0.5 })).toBe('10000000016400000000000000e03f00')
  expect(written({ a: 2 ** 40 })).toBe('10000000126100000000000001000000')
  expect(written({ x: new Uint8Array([1]) })).toBe('0e000000057800010000000001 00'.replace(' ', ''))
  expect(written({ a: new ObjectId('56e1fc72e0c917e9c4714161') })).toBe(
    '1400000007610056e1fc72e0c917e9c471416100',
  )
  expect(written({ a: undefined })).toBe('0500000000')
})

/** Of the same corpus: what decoders must refuse. */
test.each([
  ['an array that eats its terminator', '140000000461000D0000001030000A0000000000'],
  ['an array that is too short', '140000000461000B0000001030000A0000000000'],
  ['binary that is longer than its document', '1D000000057800FF0000000573FFD26444B34C6990E8E7D1DFC035D400'],
  ['binary of negative length', '0D000000057800FFFFFFFF0000'],
  ['a truth value of 2', '090000000862000200'],
  ['a truncated double', '0B0000000164000000F03F00'],
  ['a document that eats its terminator', '1800000003666F6F000F0000001062617200FFFFFF7F0000'],
  ['a document that is too short', '1500000003666F6F000A0000000862617200010000'],
  ['a string of no bytes', '0C0000000261000000000000'],
  ['a string of negative length', '0C000000026100FFFFFFFF00'],
  ['a string that eats the end', '10000000026100050000006200620000'],
  ['a truncated ObjectId', '1200000007610056E1FC72E0C917E9C471'],
  ['a pointer of negative length', '1A0000000C6100FFFFFFFF620056E1FC72E0C917E9C471416100'],
  [
    'code with scope of negative length',
    '280000000F6100FFFFFFFF0500000061626364001300000010780001000000107900010000000000',
  ],
  ['a type that there is not', '0800000055610000'],
  ['bytes after its end', '050000000000'],
  ['nothing', ''],
])('%s is refused', (_, bytes) => expect(() => decode(hex(bytes))).toThrow(BsonError))

test('nesting has a limit in both directions', () => {
  let deep: Document = {}
  for (let i = 0; i < 200; i++) deep = { a: deep }
  expect(() => encode(deep)).toThrow('nested too deep')
  let bytes = hex('0500000000')
  for (let i = 0; i < 200; i++) {
    const outer = Buffer.alloc(bytes.length + 8)
    outer.writeInt32LE(outer.length)
    outer.set([3, 0x61, 0], 4)
    outer.set(bytes, 7)
    bytes = Uint8Array.from(outer)
  }
  expect(() => decode(bytes)).toThrow('nested too deep')
})

test('of values within a document no more are read than a limit, however they are nested', () => {
  const list = (length: number) => encode({ a: [Array(length).fill(null)] })
  expect(decode(list(MAX_VALUES - 2)).a).toEqual([Array(MAX_VALUES - 2).fill(null)])
  expect(() => decode(list(MAX_VALUES - 1))).toThrow(BsonLimitError)
})

test('bytes and names of any length are written', () => {
  const long = new Uint8Array(500_000).fill(7)
  expect(Buffer.compare(decode(encode({ a: long })).a as Uint8Array, long)).toBe(0)
  const name = 'n'.repeat(500_000)
  expect(Object.keys(decode(encode({ [name]: 1 })))[0] === name).toBe(true)
})

test('a name is only a name', () => {
  const read = decode(encode(JSON.parse('{"__proto__":{"polluted":true},"constructor":1}')))
  expect(Object.keys(read)).toEqual(['__proto__', 'constructor'])
  expect({}).not.toHaveProperty('polluted')
  expect(() => encode({ 'a\0b': 1 })).toThrow(BsonError)
})

test('an ObjectId tells when it was made', () => {
  expect(new ObjectId('56e1fc72e0c917e9c4714161').madeAt).toBe(0x56e1fc72 * 1000)
})

describe('any bytes', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).filter(value => !Object.is(value, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }),
  )
  const { value } = fc.letrec<{ value: Value }>(tie => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  }))
  const document = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), value, { maxKeys: 5 })

  test('come back as they were written', () => {
    fc.assert(
      fc.property(document, one => {
        expect(plain(decode(encode(one)))).toEqual({ ...one })
      }),
    )
  })

  test('cut short are refused', () => {
    fc.assert(
      fc.property(document, fc.nat(), (one, n) => {
        const bytes = encode(one)
        expect(() => decode(bytes.subarray(0, n % bytes.length))).toThrow(BsonError)
      }),
    )
  })

  test('changed are read or refused, and nothing else', () => {
    const change = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 })
    fc.assert(
      fc.property(document, change, (one, changes) => {
        const bytes = encode(one)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(BsonError)
        }
      }),
    )
  })

  test('at random are refused or read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        try {
          decode(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(BsonError)
        }
      }),
    )
  })
})
