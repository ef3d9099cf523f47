import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beginsReply,
  command,
  type Reply,
  RespError,
  type RespSource,
  RespSyntaxError,
  readReply,
} from './resp.js'

class OutOfBytes extends Error {}

/** Bytes as a source; `asked` is the most that a read wanted at once. */
class Bytes implements RespSource {
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

const reply = (bytes: Uint8Array | string) => readReply(new Bytes(bytes))

test('a command is an array of counted words, counted in bytes', () => {
  expect(Buffer.from(command('SET', 'k', 'é', '')).toString()).toBe(
    '*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\né\r\n$0\r\n\r\n',
  )
})

describe('a reply', () => {
  test.each<[string, Reply]>([
    ['+OK\r\n', 'OK'],
    ['+\r\n', ''],
    [':42\r\n', 42],
    [':-7\r\n', -7],
    [':+7\r\n', 7],
    ['$5\r\nhello\r\n', 'hello'],
    ['$0\r\n\r\n', ''],
    ['$7\r\na\r\nb\r\nc\r\n', 'a\r\nb\r\nc'],
    ['$2\r\né\r\n', 'é'],
    ['$-1\r\n', null],
    ['*-1\r\n', null],
    ['_\r\n', null],
    ['*0\r\n', []],
    ['*3\r\n:1\r\n$1\r\na\r\n*1\r\n+x\r\n', [1, 'a', ['x']]],
    ['#t\r\n', true],
    ['#f\r\n', false],
    [',1.5\r\n', '1.5'],
    ['(12345678901234567890\r\n', '12345678901234567890'],
    ['=7\r\ntxt:abc\r\n', 'txt:abc'],
    ['~2\r\n:1\r\n:2\r\n', [1, 2]],
    ['%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n', ['a', 1, 'b', 2]],
  ])('%j is %j', async (bytes, value) => expect(await reply(bytes)).toEqual(value))

  test('may be as long as its limits, to the last item and byte', async () => {
    expect(await reply(`*10000\r\n${'_\r\n'.repeat(10_000)}`)).toHaveLength(10_000)
    expect(await reply(`%5000\r\n${'_\r\n'.repeat(10_000)}`)).toHaveLength(10_000)
    expect(await reply(`$1048576\r\n${'x'.repeat(2 ** 20)}\r\n`)).toHaveLength(2 ** 20)
    expect(await reply(`+${'x'.repeat(65_535)}\r\n`)).toHaveLength(65_535)
    await expect(reply(`+${'x'.repeat(65_536)}\r\n`)).rejects.toThrow(OutOfBytes)
  })

  test('that is pushed is passed over, also within a reply', async () => {
    expect(await reply('>2\r\n+message\r\n+x\r\n:1\r\n')).toBe(1)
    expect(await reply('*2\r\n:1\r\n>1\r\n+x\r\n:2\r\n')).toEqual([1, 2])
  })

  test('leaves the next one where it is', async () => {
    const source = new Bytes('+a\r\n$1\r\nb\r\n')
    expect(await readReply(source)).toBe('a')
    expect(await readReply(source)).toBe('b')
    expect(source.left).toBe(0)
  })

  test('that is an error has its prefix as code', async () => {
    const error = await reply('-WRONGPASS invalid username-password pair\r\n')
    expect(error).toBeInstanceOf(RespError)
    expect(error).toMatchObject({ code: 'WRONGPASS', message: 'WRONGPASS invalid username-password pair' })
    expect(await reply('!10\r\nLOADING it\r\n')).toMatchObject({ code: 'LOADING', message: 'LOADING it' })
    expect(await reply('-NOAUTH\r\n')).toMatchObject({ code: 'NOAUTH' })
    expect(await reply('-oops\r\n')).toMatchObject({ code: 'ERR', message: 'oops' })
    expect(await reply('-Oops it\r\n')).toMatchObject({ code: 'ERR' })
  })

  test.each([
    'HTTP/1.1 400 Bad Request\r\n',
    '\r\n',
    ':one\r\n',
    ':\r\n',
    ':1.5\r\n',
    ':12345678901234567890\r\n',
    '$x\r\n',
    '$-2\r\n',
    '$1048577\r\n',
    '*-2\r\n',
    '*10001\r\n',
    '%5001\r\n',
    '~10001\r\n',
    '>10001\r\n',
    '$3\r\nabcd\r\n',
    '$3\r\nabc\rx',
    '$3\r\nabcx\n',
    '!x\r\n',
  ])('%j is none', async bytes => {
    await expect(reply(bytes)).rejects.toThrow(RespSyntaxError)
  })

  test('may be nested eight deep and no deeper', async () => {
    const deep = (n: number) => `${'*1\r\n'.repeat(n)}:1\r\n`
    expect(JSON.stringify(await reply(deep(8)))).toBe('[[[[[[[[1]]]]]]]]')
    await expect(reply(deep(9))).rejects.toThrow('nested too deep')
    await expect(reply(deep(100_000))).rejects.toThrow('nested too deep')
  })

  test('that declares a gigabyte is refused before a byte of it is read', async () => {
    const source = new Bytes(`$${2 ** 30}\r\n`)
    await expect(readReply(source)).rejects.toThrow(RespSyntaxError)
    expect(source.asked).toBe(0)
  })

  test('that ends a stream of pushes without end does not grow a stack', async () => {
    expect(await reply(`${'>0\r\n'.repeat(50_000)}+OK\r\n`)).toBe('OK')
  })

  test('written and read again is the same', async () => {
    const { value } = fc.letrec<{ value: Reply }>(tie => ({
      value: fc.oneof(
        { depthSize: 'small', maxDepth: 7 },
        fc.maxSafeInteger(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(null, true, false),
        fc.array(tie('value'), { maxLength: 5 }),
      ),
    }))
    const write = (one: Reply): string => {
      if (typeof one === 'number') return `:${one}\r\n`
      if (typeof one === 'boolean') return `#${one ? 't' : 'f'}\r\n`
      if (typeof one === 'string') return `$${Buffer.byteLength(one)}\r\n${one}\r\n`
      if (one === null) return '_\r\n'
      return `*${(one as Reply[]).length}\r\n${(one as Reply[]).map(write).join('')}`
    }
    await fc.assert(
      fc.asyncProperty(value, async one => {
        const source = new Bytes(write(one))
        expect(await readReply(source)).toEqual(one)
        expect(source.left).toBe(0)
      }),
    )
  })
})

test('random bytes are a reply, none, or not enough', async () => {
  const piece = fc.oneof(
    fc.constantFrom(...'+-:$*_#,(!=%~>', '\r\n', '\r\n', '1', '9', '-1', '10000', '99999999999', 't'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async pieces => {
      const source = new Bytes(pieces.join(''))
      try {
        await readReply(source)
      } catch (error) {
        expect(error instanceof RespSyntaxError || error instanceof OutOfBytes).toBe(true)
      }
      expect(source.asked).toBeLessThanOrEqual(2 ** 20 + 2)
    }),
    { numRuns: 3000 },
  )
})

test('the first byte tells whether it can be a reply', () => {
  const begin = Array.from({ length: 256 }, (_, byte) => byte).filter(beginsReply)
  expect(String.fromCharCode(...begin)).toBe('!#$%(*+,-:=>_~')
})
