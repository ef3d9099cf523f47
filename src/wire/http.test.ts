import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LinkError } from '../core/service.js'
import {
  beginsAnswer,
  type Head,
  type HttpSource,
  HttpSyntaxError,
  post,
  readBody,
  readHead,
} from './http.js'

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements HttpSource {
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
    if (n > this.left) throw new LinkError('the server closed the connection')
    this.#at += n
    return this.#all.subarray(this.#at - n, this.#at)
  }
  async readLine(limit: number): Promise<string> {
    const end = this.#all.indexOf('\r\n', this.#at)
    if (end < 0 || end - this.#at > limit) throw new LinkError(`no line end within ${limit} bytes`)
    const line = this.#all.subarray(this.#at, end).toString()
    this.#at = end + 2
    return line
  }
  async peek(): Promise<Uint8Array> {
    if (this.left === 0) throw new LinkError('the server closed the connection')
    return this.#all.subarray(this.#at)
  }
}

async function answer(bytes: Uint8Array | string, limit = 1000) {
  const source = new Bytes(bytes)
  const head = await readHead(source)
  const body = await readBody(source, head, limit)
  return {
    head,
    text: Buffer.from(body.bytes).toString(),
    end: body.end,
    left: source.left,
    asked: source.asked,
  }
}

test('a request is counted in bytes, and holds no line end that it was not given', () => {
  expect(Buffer.from(post('/?a=b', { host: 'h:1', 'x-key': 'é' }, 'é\r\n')).toString()).toBe(
    'POST /?a=b HTTP/1.1\r\nhost: h:1\r\nx-key: é\r\ncontent-length: 4\r\n\r\né\r\n',
  )
  for (const value of ['a\r\nb: c', 'a\nb', 'a\0'])
    expect(() => post('/', { 'x-key': value }, '')).toThrow(HttpSyntaxError)
  expect(() => post('/a b', {}, '')).toThrow(HttpSyntaxError)
})

describe('an answer', () => {
  test.each([
    ['of a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokX', 'ok', 'whole', 1],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\nX', '', 'whole', 1],
    [
      'in chunks',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nA;x=y\r\n0123456789\r\n0\r\nt: 1\r\n\r\nX',
      'ab0123456789',
      'whole',
      1,
    ],
    ['until the end', 'HTTP/1.0 200 OK\r\n\r\nall of it', 'all of it', 'whole', 0],
    [
      'after interim ones',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\ncontent-length: 0\r\n\r\n',
      '',
      'whole',
      0,
    ],
    ['of a length that does not come', 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab', '', 'lost', 2],
    [
      'in chunks that break off',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n',
      'ab',
      'lost',
      0,
    ],
  ])('%s is read to its end', async (_, bytes, text, end, left) => {
    expect(await answer(bytes)).toMatchObject({ text, end, left })
  })

  test('is kept alive unless it says otherwise, and before HTTP/1.1 only if it says so', async () => {
    const persistent = async (lines: string) => (await readHead(new Bytes(`${lines}\r\n\r\n`))).persistent
    expect(await persistent('HTTP/1.1 200 OK')).toBe(true)
    expect(await persistent('HTTP/1.1 200 OK\r\nConnection: Close')).toBe(false)
    expect(await persistent('HTTP/1.0 200 OK')).toBe(false)
    expect(await persistent('HTTP/1.0 200 OK\r\nconnection: Keep-Alive')).toBe(true)
  })

  test('is cut where it is longer than wanted, however it is sent, and no length is believed', async () => {
    const long = 'x'.repeat(50_000)
    for (const bytes of [
      `HTTP/1.1 200 OK\r\ncontent-length: 999999999999999\r\n\r\n${long}`,
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffff\r\n${long}`,
      `HTTP/1.0 200 OK\r\n\r\n${long}`,
    ]) {
      const { text, end, asked } = await answer(bytes, 100)
      expect({ length: text.length, end }).toEqual({ length: 100, end: 'cut' })
      expect(asked).toBeLessThanOrEqual(65_536)
    }
  })

  test.each([
    'SSH-2.0-OpenSSH\r\n',
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 2x0 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\nno header\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n',
    `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(300)}\r\n`,
    'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100),
  ])('is not %j', bytes => expect(answer(bytes)).rejects.toThrow(HttpSyntaxError))

  test('begins with HTTP/1., of which the first bytes may be all that has come', () => {
    for (const text of ['H', 'HTTP/1.', 'HTTP/1.1 200']) expect(beginsAnswer(Buffer.from(text))).toBe(true)
    for (const text of ['h', 'HTTQ', 'HTTP/2', '\0']) expect(beginsAnswer(Buffer.from(text))).toBe(false)
  })
})

describe('chunks without an end, of one byte each,', () => {
  /** `1 CRLF a CRLF` for ever. */
  class Endless implements HttpSource {
    lines = 0
    read = async () => new Uint8Array(1)
    readLine = async (limit: number) => {
      this.lines++
      return limit ? '1' : ''
    }
    peek = () => this.read()
  }
  const head: Head = {
    status: 200,
    reason: '',
    headers: new Map([['transfer-encoding', 'chunked']]),
    persistent: true,
  }

  test('are cut before all that is wanted has come', async () => {
    const source = new Endless()
    const { bytes, end } = await readBody(source, head, 1 << 21)
    expect({ end, length: bytes.length }).toEqual({ end: 'cut', length: 65_536 })
    expect(source.lines).toBe(2 * 65_536)
  })

  test('are copied, so that nothing is held of what was received with them', async () => {
    const received = new Uint8Array(65_536)
    const source = new Endless()
    source.read = async () => {
      received[0] = (received[0] ?? 0) + 1
      return received.subarray(0, 1)
    }
    const { bytes } = await readBody(source, head, 200)
    expect([...bytes]).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(1024)
  })
})

describe('whatever the bytes are', () => {
  const settles = async (bytes: Uint8Array) => {
    try {
      const { text, asked } = await answer(bytes, 64)
      expect(text.length).toBeLessThanOrEqual(64)
      expect(asked).toBeLessThanOrEqual(64)
    } catch (error) {
      if (!(error instanceof HttpSyntaxError || error instanceof LinkError)) throw error
    }
  }

  test('an answer or an error of its own comes of them, and no more is kept than wanted', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), settles))
    const piece = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        'content-length: 7\r\n',
        'transfer-encoding: chunked\r\n',
        '\r\n',
        '0\r\n',
        'f\r\n',
      ),
      fc.string({ maxLength: 20 }),
    )
    await fc.assert(fc.asyncProperty(fc.array(piece), pieces => settles(Buffer.from(pieces.join('')))))
  })

  test('a body in chunks of any size is the same body', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })), async parts => {
        const chunks = parts.flatMap(part => [
          Buffer.from(`${part.length.toString(16)}\r\n`),
          part,
          Buffer.from('\r\n'),
        ])
        const head = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
        const source = new Bytes(Buffer.concat([head, ...chunks, Buffer.from('0\r\n\r\n')]))
        const { bytes, end } = await readBody(source, await readHead(source), 1 << 20)
        expect({ bytes: Buffer.from(bytes), end }).toEqual({ bytes: Buffer.concat(parts), end: 'whole' })
      }),
    )
  })
})
