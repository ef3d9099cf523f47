import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BsonError, encode } from './bson.js'
import { opMsg, opQuery, replyDocument, replyHeader } from './mongodb.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const body = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
const flags = (value: number) => Uint8Array.of(value, 0, 0, 0)
const OK = encode({ ok: 1 })

describe('a request', () => {
  test('as OP_MSG is a header, no flags, and one section that is a document', () => {
    expect(hex(opMsg(5, { ping: 1, $db: 'admin' }))).toBe(
      '3300000005000000 00000000dd070000 00000000 00 1e0000001070696e67000100000002246462000600000061646d696e0000'.replaceAll(
        ' ',
        '',
      ),
    )
  })

  test('as OP_QUERY asks the command collection for one document', () => {
    expect(hex(opQuery(1, 'admin', { isMaster: 1 }))).toBe(
      `3a00000001000000 00000000d4070000 04000000 ${Buffer.from('admin.$cmd\0').toString('hex')} 00000000ffffffff 130000001069734d6173746572000100000000`.replaceAll(
        ' ',
        '',
      ),
    )
  })
})

describe('a reply', () => {
  const header = (length: number, to: number, opcode: number) => {
    const bytes = Buffer.alloc(16)
    for (const [i, value] of [length, 9, to, opcode].entries()) bytes.writeInt32LE(value, 4 * i)
    return bytes
  }

  test('is known by length, request and opcode', () => {
    expect(replyHeader(header(38, 7, 2013), 7)).toEqual({ length: 38, opcode: 2013 })
    expect(replyHeader(header(38, 7, 1), 7)).toEqual({ length: 38, opcode: 1 })
  })

  test.each([
    ['too short', header(20, 7, 1)],
    ['too long', header(48_000_001, 7, 1)],
    ['of negative length', header(-1, 7, 1)],
    ['to another request', header(38, 8, 1)],
    ['of another kind', header(38, 7, 2012)],
    ['in letters', Buffer.from('HTTP')],
  ])('%s is none', (_, bytes) => expect(replyHeader(bytes, 7)).toBeUndefined())

  test('may still be one while only its beginning has come', () => {
    for (let n = 0; n < 16; n++) expect(replyHeader(header(38, 7, 1).subarray(0, n), 7)).toBeDefined()
  })

  test('is the document behind cursor and count, or in the section', () => {
    const fields = new Uint8Array(20)
    fields[16] = 1
    expect({ ...replyDocument(1, body(fields, OK)) }).toEqual({ ok: 1 })
    expect({ ...replyDocument(2013, body(flags(0), Uint8Array.of(0), OK)) }).toEqual({ ok: 1 })
    expect({ ...replyDocument(2013, body(flags(1), Uint8Array.of(0), OK, new Uint8Array(4))) }).toEqual({
      ok: 1,
    })
  })

  test('may hold sequences beside its document', () => {
    const sequence = Uint8Array.of(1, 6, 0, 0, 0, 0x61, 0)
    expect({ ...replyDocument(2013, body(flags(0), sequence, Uint8Array.of(0), OK)) }).toEqual({ ok: 1 })
  })

  test.each([
    ['that another one follows', body(flags(2), Uint8Array.of(0), OK)],
    ['with a flag that must be known', body(flags(4), Uint8Array.of(0), OK)],
    ['with two documents', body(flags(0), Uint8Array.of(0), OK, Uint8Array.of(0), OK)],
    ['with a section of another kind', body(flags(0), Uint8Array.of(2), OK)],
    ['without a document', body(flags(0))],
    ['with a section of no length', body(flags(0), Uint8Array.of(1, 0, 0, 0, 0))],
  ])('%s is refused', (_, bytes) => expect(() => replyDocument(2013, bytes)).toThrow(BsonError))

  test('whatever it holds is a document or refused', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2013), fc.uint8Array({ maxLength: 100 }), (opcode, bytes) => {
        try {
          replyDocument(opcode, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(BsonError)
        }
      }),
    )
  })
})
