import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AmqpSource,
  AmqpSyntaxError,
  FRAME,
  frame,
  MAX_FRAME,
  PROTOCOL_HEADER,
  Reader,
  readFrame,
  type Table,
  type Value,
  Writer,
} from './amqp.js'

class OutOfBytes extends Error {}

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements AmqpSource {
  #at = 0
  asked = 0
  constructor(readonly all: Uint8Array) {}
  async read(n: number): Promise<Uint8Array> {
    this.asked = Math.max(this.asked, n)
    if (this.#at + n > this.all.length) throw new OutOfBytes()
    this.#at += n
    return this.all.subarray(this.#at - n, this.#at)
  }
}

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const table = (bytes: string): Table => {
  const inner = hex(bytes)
  return new Reader(new Writer().long(inner.length).raw(inner).bytes).table()
}

test('the header asks for version 0-9-1', () => {
  expect(Buffer.from(PROTOCOL_HEADER).toString('latin1')).toBe('AMQP\x00\x00\x09\x01')
})

describe('a frame', () => {
  test('is type, channel, length, payload and 206', () => {
    expect(frame(FRAME.method, 258, hex('0a 0b'))).toEqual(hex('01 0102 00000002 0a0b ce'))
    expect(frame(FRAME.heartbeat, 0, hex(''))).toEqual(hex('08 0000 00000000 ce'))
  })

  test('written and read again is the same, and leaves what follows', async () => {
    const one = fc.record({
      type: fc.constantFrom(...Object.values(FRAME)),
      channel: fc.nat(65_535),
      payload: fc.uint8Array({ maxLength: 300 }),
    })
    await fc.assert(
      fc.asyncProperty(one, one, async (a, b) => {
        const both = new Writer()
          .raw(frame(a.type, a.channel, a.payload))
          .raw(frame(b.type, b.channel, b.payload))
        const source = new Bytes(both.bytes)
        expect(await readFrame(source)).toEqual(a)
        expect(await readFrame(source)).toEqual(b)
      }),
    )
  })

  test('may be as long as its limit', async () => {
    const source = new Bytes(frame(FRAME.body, 1, new Uint8Array(MAX_FRAME)))
    expect((await readFrame(source)).payload).toHaveLength(MAX_FRAME)
  })

  test.each([
    ['that is longer', '01 0000 00020001', 'a frame of 131073 bytes'],
    ['that names gigabytes', '01 0000 ffffffff', 'a frame of 4294967295 bytes'],
    ['of an unknown type', '04 0000 00000000 ce', 'a frame of type 4'],
    ['of type zero', '00 0000 00000000 ce', 'a frame of type 0'],
    ['without its end', '01 0000 00000001 0a cf', 'without its end'],
  ])('%s is refused', async (_, bytes, message) => {
    const source = new Bytes(hex(bytes))
    const reading = readFrame(source)
    await expect(reading).rejects.toThrow(AmqpSyntaxError)
    await expect(reading).rejects.toThrow(message)
    expect(source.asked).toBeLessThanOrEqual(7)
  })
})

describe('a table', () => {
  test.each<[string, Value]>([
    ['74 00', false],
    ['74 01', true],
    ['62 ff', -1],
    ['42 ff', 255],
    ['73 fffe', -2],
    ['75 fffe', 65_534],
    ['49 fffffffd', -3],
    ['69 fffffffd', 4_294_967_293],
    ['6c fffffffffffffffc', -4n],
    ['54 0000000065a0c1d0', 1_705_034_192n],
    ['66 3fc00000', 1.5],
    ['64 3ff8000000000000', 1.5],
    ['44 02 000004d2', 12.34],
    ['53 00000002 c3a9', 'é'],
    ['53 00000000', ''],
    ['78 00000001 61', 'a'],
    ['41 00000000', []],
    ['41 00000004 7401 4207', [true, 7]],
    ['46 00000004 0161 4207', { a: 7 }],
    ['56', null],
  ])('reads the value %s', (bytes, value) => {
    expect(table(`01 6b ${bytes}`)).toEqual({ k: value })
  })

  test('with a name that objects have already has it as its own', () => {
    const found = table('09 5f5f70726f746f5f5f 4207')
    expect(Object.entries(found)).toEqual([['__proto__', 7]])
    expect(Object.getPrototypeOf(found)).toBe(Object.prototype)
  })

  test('written and read again is the same', () => {
    const { value } = fc.letrec<{ value: Value }>(tie => ({
      value: fc.oneof(
        { depthSize: 'small', maxDepth: 6 },
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.double({ noNaN: true }).filter(n => !Object.is(n, -0)),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string({ maxLength: 20 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }))
    const tables = fc.dictionary(fc.string({ maxLength: 20 }), value, { maxKeys: 5, noNullPrototype: true })
    fc.assert(
      fc.property(tables, one => {
        expect(new Reader(new Writer().table(one).bytes).table()).toEqual(one)
      }),
    )
  })

  test.each([
    ['of an unknown type', '01 6b 7a'],
    ['that ends in the middle', '01 6b 49 0000'],
    ['whose text is longer than the rest', '01 6b 53 ffffffff 61'],
    ['whose list is longer than the rest', '01 6b 41 00000009 7401'],
    ['without anything', '01 6b'],
  ])('with a value %s is none', (_, bytes) => {
    expect(() => table(bytes)).toThrow(AmqpSyntaxError)
  })

  const nested = (depth: number, type: 'F' | 'A'): Uint8Array => {
    let inner: Uint8Array = new Uint8Array()
    for (let i = 0; i < depth; i++) {
      const it = new Writer()
      if (type === 'F' || i === depth - 1) it.shortstr('k')
      inner = it.octet(type.charCodeAt(0)).long(inner.length).raw(inner).bytes
    }
    return new Writer().long(inner.length).raw(inner).bytes
  }

  test.each(['F', 'A'] as const)('may hold values of type %s eight deep and no deeper', type => {
    expect(new Reader(nested(8, type)).table()).toBeDefined()
    expect(() => new Reader(nested(9, type)).table()).toThrow('nested too deep')
    expect(() => new Reader(nested(1000, type)).table()).toThrow('nested too deep')
  })

  test('may have ten thousand entries and no more', () => {
    const flags = (n: number) => '00 7401'.repeat(n)
    expect(table(flags(10_000))).toEqual({ '': true })
    expect(() => table(flags(10_001))).toThrow('too long')
    const list = (n: number) => `01 6b 41 ${(2 * n).toString(16).padStart(8, '0')} ${'7401'.repeat(n)}`
    expect(table(list(10_000)).k).toHaveLength(10_000)
    expect(() => table(list(10_001))).toThrow('too long')
  })
})

test('random bytes are frames with values, none, or not enough', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '01',
      '02',
      '08',
      '0000',
      '00000000',
      '00000004',
      'ffffffff',
      'ce',
      '53',
      '46',
      '41',
      '0161',
    ),
    fc.uint8Array({ maxLength: 3 }).map(bytes => Buffer.from(bytes).toString('hex')),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async pieces => {
      const source = new Bytes(hex(pieces.join('')))
      try {
        new Reader((await readFrame(source)).payload).table()
      } catch (error) {
        expect(error instanceof AmqpSyntaxError || error instanceof OutOfBytes).toBe(true)
      }
      expect(source.asked).toBeLessThanOrEqual(MAX_FRAME + 1)
      try {
        new Reader(source.all).table()
      } catch (error) {
        expect(error).toBeInstanceOf(AmqpSyntaxError)
      }
    }),
    { numRuns: 3000 },
  )
})

test('a short string has at most 255 bytes', () => {
  expect(new Writer().shortstr('x'.repeat(255)).bytes).toHaveLength(256)
  expect(() => new Writer().shortstr('é'.repeat(128))).toThrow(RangeError)
})
