import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginsSession,
  connect,
  type NatsMessage,
  type NatsSource,
  NatsSyntaxError,
  ping,
  pong,
  publish,
  readMessage,
  subscribe,
  unsubscribe,
} from './nats.js'

class OutOfBytes extends Error {}

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements NatsSource {
  #at = 0
  asked = 0
  readonly #all: Buffer
  constructor(bytes: Uint8Array | string) {
    this.#all = Buffer.from(bytes as string)
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
  async readLine(limit: number): Promise<string> {
    const end = this.#all.indexOf('\r\n', this.#at)
    if (end < 0 || end - this.#at > limit) throw new OutOfBytes()
    const line = this.#all.subarray(this.#at, end).toString()
    this.#at = end + 2
    return line
  }
}

const read = (bytes: Uint8Array | string) => readMessage(new Bytes(bytes))
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('what a client says ends in CR LF, and a payload is counted in bytes', () => {
  expect(text(connect({ verbose: false, pass: 'a"b' }))).toBe('CONNECT {"verbose":false,"pass":"a\\"b"}\r\n')
  expect(text(ping()) + text(pong())).toBe('PING\r\nPONG\r\n')
  expect(text(subscribe('a.b', '1')) + text(unsubscribe('1'))).toBe('SUB a.b 1\r\nUNSUB 1\r\n')
  expect(text(publish('a.b', 'é'))).toBe('PUB a.b 2\r\né\r\n')
  expect(text(publish('a', '', 'r'))).toBe('PUB a r 0\r\n\r\n')
})

describe('a message', () => {
  test.each<[string, NatsMessage]>([
    ['PING\r\n', { op: 'PING' }],
    ['pong\r\n', { op: 'PONG' }],
    ['+OK\r\n', { op: '+OK' }],
    ["-ERR 'Authorization Violation'\r\n", { op: '-ERR', text: 'Authorization Violation' }],
    ['-ERR without quotes \r\n', { op: '-ERR', text: 'without quotes' }],
    ['-ERR\r\n', { op: '-ERR', text: '' }],
    ['MSG a 1 2\r\nhi\r\n', { op: 'MSG', sid: '1', payload: 'hi' }],
    ['MSG a 1 reply 2\r\nhi\r\n', { op: 'MSG', sid: '1', payload: 'hi' }],
    ['MSG\ta  1 0\r\n\r\n', { op: 'MSG', sid: '1', payload: '' }],
    ['MSG a 1 4\r\n\r\n\r\n\r\n', { op: 'MSG', sid: '1', payload: '\r\n\r\n' }],
    ['HMSG a 1 16 18\r\nNATS/1.0 503\r\n\r\nhi\r\n', { op: 'MSG', sid: '1', status: '503', payload: 'hi' }],
    ['HMSG a 1 r 12 12\r\nNATS/1.0\r\n\r\n\r\n', { op: 'MSG', sid: '1', payload: '' }],
    [
      'INFO {"server_id":"N","version":"2.9.1","tls_required":true,"nonce":"x","extra":{"a":1}} \r\n',
      { op: 'INFO', info: { server_id: 'N', version: '2.9.1', tls_required: true, nonce: 'x' } },
    ],
    ['INFO {"version":7,"tls_required":"yes","ldm":false}\r\n', { op: 'INFO', info: {} }],
  ])('%j is %j', async (bytes, message) => expect(await read(bytes)).toEqual(message))

  test.each([
    'HTTP/1.1 400 Bad Request\r\n',
    '\r\n',
    'INFO\r\n',
    'INFO {"version\r\n',
    'INFO []\r\n',
    'INFO null\r\n',
    'MSG a 1\r\n',
    'MSG a 1 r x 2\r\nhi\r\n',
    'MSG a 1 -2\r\n',
    'MSG a 1 1048577\r\n',
    'MSG a 1 9999999999\r\n',
    'MSG a 1 2\r\nhi..',
    'HMSG a 1 5 2\r\nhi\r\n',
    'HMSG a 1 2\r\nhi\r\n',
  ])('%j is none', bytes => expect(read(bytes)).rejects.toThrow(NatsSyntaxError))

  test('that declares a gigabyte is refused before a byte of it is read', async () => {
    const source = new Bytes('MSG a 1 999999999\r\n')
    await expect(readMessage(source)).rejects.toThrow(NatsSyntaxError)
    expect(source.asked).toBe(0)
  })

  test('leaves the next one where it is', async () => {
    const source = new Bytes('MSG a 1 1\r\nx\r\nPONG\r\n')
    await readMessage(source)
    expect(await readMessage(source)).toEqual({ op: 'PONG' })
    expect(source.left).toBe(0)
  })
})

test('a session begins with INFO or an error, as far as it has come', () => {
  for (const yes of ['I', 'INFO', 'INFO {"server', "-ERR 'x'", '-ERR'])
    expect(beginsSession(Buffer.from(yes))).toBe(true)
  for (const no of ['INFX', '-ERR max number', 'HTTP', 'X', '\0', 'INFO ['])
    expect(beginsSession(Buffer.from(no))).toBe(false)
})

const payload = fc.string({ unit: 'binary', maxLength: 200 })
const word = fc.stringMatching(/^[a-zA-Z0-9_.]{1,20}$/)

test('what is published comes back as it was, whatever it holds', () =>
  fc.assert(
    fc.asyncProperty(word, payload, async (subject, body) => {
      const sent = text(publish(subject, body)).replace(/^PUB (\S+) /, 'MSG $1 7 ')
      const kept = Buffer.from(body).toString()
      expect(await read(sent)).toEqual({ op: 'MSG', sid: '7', payload: kept.replace(/^\ufeff/, '') })
    }),
  ))

test('bytes without order give a message, a syntax error or the end, and nothing else', () =>
  fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc
          .tuple(fc.constantFrom('INFO ', 'MSG ', 'HMSG ', '-ERR ', 'PING'), fc.string({ maxLength: 60 }))
          .map(parts => Buffer.from(`${parts.join('')}\r\n\r\n`)),
      ),
      async bytes => {
        const error = await read(bytes).catch((error: unknown) => error)
        if (error instanceof Error)
          expect(error instanceof NatsSyntaxError || error instanceof OutOfBytes).toBe(true)
      },
    ),
  ))

test('a message that is cut short is not made up', () =>
  fc.assert(
    fc.asyncProperty(fc.nat({ max: 24 }), async cut => {
      const whole = 'HMSG a 1 16 18\r\nNATS/1.0 503\r\n\r\nhi\r\n'
      await expect(read(whole.slice(0, cut))).rejects.toThrow(OutOfBytes)
    }),
  ))

test('a line is read in time that grows with its length, and other lines than INFO are short', async () => {
  const blanks = ' '.repeat(65_000)
  const begun = performance.now()
  for (let i = 0; i < 50; i++) await expect(read(`PING a${blanks}b\r\n`)).rejects.toThrow(NatsSyntaxError)
  await expect(read(`INFO {"version":"2"}${blanks}\r\n`)).resolves.toEqual({
    op: 'INFO',
    info: { version: '2' },
  })
  expect(performance.now() - begun).toBeLessThan(2000)
})
