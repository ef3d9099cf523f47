import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ask,
  askStats,
  askVersion,
  beginsLine,
  expiry,
  type MemcachedSource,
  MemcachedSyntaxError,
  OP,
  readBinary,
  readStats,
  readValue,
  request,
  store,
} from './memcached.js'

class OutOfBytes extends Error {}

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements MemcachedSource {
  #at = 0
  asked = 0
  readonly #all: Buffer
  constructor(bytes: Uint8Array | string) {
    this.#all = Buffer.from(bytes as string)
  }
  async read(n: number): Promise<Uint8Array> {
    this.asked = Math.max(this.asked, n)
    if (n > this.#all.length - this.#at) throw new OutOfBytes()
    this.#at += n
    return this.#all.subarray(this.#at - n, this.#at)
  }
  async readLine(limit: number): Promise<string> {
    const end = this.#all.indexOf('\r\n', this.#at)
    if (end < 0 || end - this.#at > limit) throw new OutOfBytes()
    const line = this.#all.subarray(this.#at, end).toString()
    this.#at = end + 2
    return line
  }
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const failed = (error: unknown) => error instanceof MemcachedSyntaxError || error instanceof OutOfBytes

test('a command ends in CR LF, and a value is counted in bytes', () => {
  expect(text(askVersion())).toMatch(/^version +\r\n$/)
  expect(text(askStats())).toBe('stats\r\n')
  expect(text(ask('get', 'k')) + text(ask('delete', 'k'))).toBe('get k\r\ndelete k\r\n')
  expect(text(store('add', 'k', 2, 'é'))).toBe('add k 0 2 2\r\né\r\n')
  expect(text(store('set', 'k', 0, 'a b\r\nc'))).toBe('set k 0 0 6\r\na b\r\nc\r\n')
})

test('the question for the version is as long as a header of the binary protocol', () =>
  expect(askVersion().length).toBeGreaterThanOrEqual(24))

test('a reply begins with a word of the protocol, as far as it has come', () => {
  for (const yes of [
    'V',
    'VERSION 1.6',
    'ERROR\r\n',
    'CLIENT_ERROR x',
    'SERVER_ERROR',
    'END\r\n',
    'STAT pid',
  ])
    expect(beginsLine(Buffer.from(yes))).toBe(true)
  for (const no of ['-ERR', 'HTTP/1.1', '\x81\0', 'x', 'version'])
    expect(beginsLine(Buffer.from(no))).toBe(false)
})

describe('a value', () => {
  const value = (line: string, rest: string) => readValue(new Bytes(rest), line)

  test('is as long as its line says', async () => {
    expect(await value('VALUE k 0 5', 'hello\r\nEND\r\n')).toBe('hello')
    expect(await value('VALUE k 7 0 99', '\r\nEND\r\n')).toBe('')
    expect(await value('VALUE k 0 4', '\r\n\r\n\r\nEND\r\n')).toBe('\r\n\r\n')
  })

  test.each([
    ['VALUE k 0', 'x'],
    ['VALUE k 0 -1', 'x'],
    ['VALUE k 0 9999999', 'x'],
    ['VALUE k 0 1', 'xyzEND\r\n'],
    ['VALUE k 0 1', 'x\r\nVALUE\r\n'],
  ])('%j with %j is none', async (line, rest) => {
    await expect(value(line, rest)).rejects.toThrow(MemcachedSyntaxError)
  })
})

describe('stats', () => {
  test('are lines up to END', async () => {
    const stats = await readStats(new Bytes('STAT uptime 7\r\nSTAT empty\r\nEND\r\n'), 'STAT pid 1')
    expect([...stats]).toEqual([
      ['pid', '1'],
      ['uptime', '7'],
      ['empty', ''],
    ])
  })

  test('without an end are given up', async () => {
    const endless = new Bytes('STAT a 1\r\n'.repeat(5000))
    await expect(readStats(endless, 'STAT a 1')).rejects.toThrow(MemcachedSyntaxError)
    await expect(readStats(new Bytes(''), 'STATION')).rejects.toThrow(MemcachedSyntaxError)
  })
})

/** A reply as the server makes it: a request with another first byte and a status. */
const reply = (op: number, status: number, key = '', value = '', extras?: Uint8Array) => {
  const bytes = Buffer.from(request(op, key, value, extras))
  bytes[0] = 0x81
  bytes.writeUInt16BE(status, 6)
  return bytes
}

describe('a binary reply', () => {
  test('has operation, status, key and value, behind its extras', async () => {
    const bytes = reply(OP.get, 0, 'k', 'v', Buffer.alloc(4, 9))
    expect(await readBinary(new Bytes(bytes))).toEqual({ op: 0, status: 0, key: 'k', value: 'v' })
    const refused = reply(OP.saslAuth, 32, '', 'Auth failure.')
    expect(await readBinary(new Bytes(refused))).toMatchObject({ status: 32, value: 'Auth failure.' })
  })

  test('that declares a gigabyte is refused before a byte of it is read', async () => {
    const bytes = reply(OP.get, 0)
    bytes.writeUInt32BE(2 ** 30, 8)
    const source = new Bytes(bytes)
    await expect(readBinary(source)).rejects.toThrow(MemcachedSyntaxError)
    expect(source.asked).toBe(24)
  })

  test('with a key longer than its body, or of a client, is none', async () => {
    const long = reply(OP.get, 0, '', 'v')
    long.writeUInt16BE(2, 2)
    await expect(readBinary(new Bytes(long))).rejects.toThrow(MemcachedSyntaxError)
    await expect(readBinary(new Bytes(request(OP.noop)))).rejects.toThrow(MemcachedSyntaxError)
  })

  test('comes back as it was sent, whatever it holds', () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 255 }),
        fc.nat({ max: 65_535 }),
        fc.stringMatching(/^[\x20-\x7e]{0,40}$/),
        fc.stringMatching(/^[\x20-\x7eé]{0,200}$/),
        async (op, status, key, value) => {
          const bytes = reply(op, status, key, value, expiry(status))
          expect(await readBinary(new Bytes(bytes))).toEqual({ op, status, key, value })
        },
      ),
    ))

  test('that is cut short is not made up', () =>
    fc.assert(
      fc.asyncProperty(fc.nat({ max: 28 }), async cut => {
        const bytes = reply(OP.get, 0, 'key', 'value').subarray(0, cut)
        await expect(readBinary(new Bytes(bytes))).rejects.toThrow(OutOfBytes)
      }),
    ))
})

test('bytes without order give a reply, a syntax error or the end, and nothing else', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), fc.string({ maxLength: 40 }), async (bytes, line) => {
      const marked = Buffer.concat([Buffer.of(0x81), bytes])
      for (const read of [
        readBinary(new Bytes(bytes)),
        readBinary(new Bytes(marked)),
        readValue(new Bytes(bytes), line),
        readStats(new Bytes(bytes), line),
      ]) {
        const error = await read.catch((error: unknown) => error)
        if (error instanceof Error) expect(failed(error)).toBe(true)
      }
    }),
  ))

test('lines of stats are read in time that grows with their length', async () => {
  const line = `STAT ${'a'.repeat(2000)}\n`
  const begun = performance.now()
  await readStats(new Bytes([...Array(1500).fill(line), 'END', ''].join('\r\n')), line)
  expect(performance.now() - begun).toBeLessThan(1000)
})
