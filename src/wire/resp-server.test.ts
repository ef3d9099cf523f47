import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type RespSource, readReply } from './resp.js'
import { type Answer, ErrorReply, encodeReply, RespRequests, Status } from './resp-server.js'

const bytes = (text: string) => Buffer.from(text, 'latin1')
const texts = (requests: readonly (readonly Buffer[])[]) =>
  requests.map(words => words.map(word => word.toString('latin1')))

const encode = (words: readonly Uint8Array[]) =>
  Buffer.concat([
    bytes(`*${words.length}\r\n`),
    ...words.flatMap(word => [bytes(`$${word.length}\r\n`), word, bytes('\r\n')]),
  ])

const word = fc.uint8Array({ maxLength: 300 })
const request = fc.array(word, { minLength: 1, maxLength: 5 })

describe('requests', () => {
  test('come out as they went in, however their bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), fc.array(fc.nat(2_000)), (all, cuts) => {
        const whole = Buffer.concat(all.map(encode))
        const reader = new RespRequests()
        const got: Buffer[][] = []
        let at = 0
        for (const cut of [...cuts.filter(one => one < whole.length).sort((a, b) => a - b), whole.length]) {
          const { requests, broken } = reader.push(whole.subarray(at, cut))
          expect(broken).toBeUndefined()
          got.push(...requests)
          at = cut
        }
        expect(got).toEqual(all.map(words => words.map(one => Buffer.from(one))))
      }),
    )
  })

  test('of any bytes end as requests or as broken, and never otherwise', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 })), chunks => {
        const reader = new RespRequests()
        for (const chunk of chunks) if (reader.push(chunk).broken) return
      }),
    )
  })

  test('may be lines, as telnet sends them', () => {
    expect(texts(new RespRequests().push(bytes('PING\r\n\r\nSET  a 1\n')).requests)).toEqual([
      ['PING'],
      ['SET', 'a', '1'],
    ])
  })

  test('before broken bytes are still there', () => {
    const { requests, broken } = new RespRequests().push(bytes('PING\r\n*1\r\n!3\r\n'))
    expect(texts(requests)).toEqual([['PING']])
    expect(broken).toBe("Protocol error: expected '$', got '!'")
  })

  test.each([
    ['more words than Redis takes', '*1048577\r\n', /multibulk/],
    ['no number of words', '*x\r\n', /multibulk/],
    ['a word beyond the limit', '*1\r\n$67108865\r\n', /bulk length/],
    ['words beyond the limit together', `*2\r\n$1\r\na\r\n$67108864\r\n`, /bulk length/],
    ['a negative length', '*1\r\n$-1\r\n', /bulk length/],
    ['an endless count', `*1\r\n$${'1'.repeat(40)}`, /too big/],
    ['an endless line', 'x'.repeat(70_000), /too big/],
  ])('with %s are broken at once', (_, text, what) => {
    expect(new RespRequests().push(bytes(text)).broken).toMatch(what)
  })

  test('of no words are nothing', () => {
    expect(texts(new RespRequests().push(bytes('*0\r\n*-1\r\nPING\r\n')).requests)).toEqual([['PING']])
  })
})

describe('replies', () => {
  const source = (all: Buffer): RespSource => {
    let at = 0
    return {
      async read(n) {
        at += n
        return all.subarray(at - n, at)
      },
      readLine: async () => {
        const end = all.indexOf('\r\n', at)
        const line = all.toString('utf8', at, end)
        at = end + 2
        return line
      },
    }
  }

  test.each<[Answer, unknown]>([
    [new Status('OK'), 'OK'],
    [42, 42],
    [null, null],
    ['ä', 'ä'],
    [Buffer.from('b'), 'b'],
    [
      ['a', 1, [null]],
      ['a', 1, [null]],
    ],
  ])('%j is read as it is meant', async (answer, expected) => {
    expect(await readReply(source(encodeReply(answer)))).toEqual(expected)
  })

  test('an error is one line, whatever its text', async () => {
    expect(encodeReply(new ErrorReply('ERR one\r\ntwo')).toString()).toBe('-ERR one two\r\n')
  })
})
