import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Link, LinkError, ProbeError } from '../../core/service.js'
import { concat, int32, MalformedError, message } from '../../wire/postgres.js'
import { Conversation, failure } from './conversation.js'
import { PostgresSession } from './session.js'

const ascii = (text: string) => new TextEncoder().encode(text)

/** A link that has received the given bytes and nothing more; `asked` is the most that was wanted at once. */
function received(...parts: Uint8Array[]) {
  const all = concat(...parts)
  let at = 0
  const seen = { asked: 0, written: [] as Uint8Array[] }
  const take = (n: number) => {
    seen.asked = Math.max(seen.asked, n)
    if (at + n > all.length) throw new LinkError('the server closed the connection')
    at += n
    return all.subarray(at - n, at)
  }
  const link: Link = {
    secure: false,
    address: '127.0.0.1',
    local: true,
    peerCertificate: undefined,
    stream: undefined,
    closed: new Promise(() => {}),
    write: bytes => void seen.written.push(bytes),
    read: async n => take(n),
    readLine: async () => '',
    peek: async () => {
      if (at >= all.length) throw new LinkError('the server closed the connection')
      return all.subarray(at)
    },
    startTls: async () => {},
    close: () => {},
  }
  return { link, seen, talk: new Conversation(link), left: () => all.length - at }
}

const parameter = (name: string, value: string) => message('S', ascii(`${name}\0${value}\0`))
const error = (code: string, severity = 'ERROR') =>
  message('E', ascii(`S${severity}\0V${severity}\0C${code}\0Mas it is\0Rhere\0\0`))
const row = (...values: string[]) =>
  message(
    'D',
    Uint8Array.of(0, values.length),
    ...values.flatMap(value => [int32(ascii(value).length), ascii(value)]),
  )
const done = message('C', ascii('SELECT 1\0'))
const idle = message('Z', ascii('I'))

describe('the messages of a server', () => {
  test('that are answers come in their order, the others are taken in on the way', async () => {
    const { talk, left } = received(
      message('N', ascii('Ma notice\0\0')),
      parameter('server_version', '15.18'),
      message('K', int32(4711), int32(1)),
      message('R', int32(0)),
      message('A', int32(1), ascii('channel\0payload\0')),
      parameter('TimeZone', 'UTC'),
      idle,
    )
    expect(await talk.next()).toEqual({ type: 'R', body: int32(0) })
    expect(talk.pid).toBe(4711)
    expect((await talk.next()).type).toBe('Z')
    expect([...talk.parameters]).toEqual([
      ['server_version', '15.18'],
      ['TimeZone', 'UTC'],
    ])
    expect(left()).toBe(0)
  })

  test.each([
    ['another protocol', ascii('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['a byte that begins none', Uint8Array.of(1, 3, 1, 0, 2)],
    ['a length below its own', concat(ascii('R'), int32(3))],
    ['a negative length', concat(ascii('R'), int32(-1))],
    ['a declared gigabyte', concat(ascii('R'), int32(2 ** 30), new Uint8Array(9))],
  ])('that are %s are told by what they look like', async (_, bytes) => {
    const { talk, seen } = received(bytes)
    await expect(talk.next()).rejects.toMatchObject({ finding: { reason: 'protocol-mismatch' } })
    expect(seen.asked).toBeLessThanOrEqual(5)
  })

  test('may be sixteen megabytes long and no longer', async () => {
    const declared = (size: number) => received(concat(ascii('R'), int32(size + 4), new Uint8Array(9)))
    await expect(declared(2 ** 24).talk.next()).rejects.toThrow(LinkError)
    await expect(declared(2 ** 24 + 1).talk.next()).rejects.toThrow(ProbeError)
  })

  test('that go on and on without an answer among them are another protocol', async () => {
    const { talk } = received(concat(...Array.from({ length: 10_000 }, () => parameter('a', 'b'))))
    await expect(talk.next()).rejects.toMatchObject({
      finding: { reason: 'protocol-mismatch', message: expect.stringContaining('without an answer') },
    })
  })

  test('end with the error of the link', async () => {
    await expect(received().talk.next()).rejects.toThrow(LinkError)
    await expect(received(idle.subarray(0, 3)).talk.next()).rejects.toThrow(LinkError)
  })

  test('are messages, none, malformed, or not enough, whatever the bytes', async () => {
    const piece = fc.oneof(
      fc.constantFrom(idle, done, row('1'), parameter('a', 'b'), error('42601')),
      fc.constantFrom(...'SKRENADZ').map(type => concat(ascii(type), int32(8), new Uint8Array(4))),
      fc.uint8Array({ maxLength: 12 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async pieces => {
        const { talk, link, seen } = received(...pieces)
        const session = new PostgresSession(link, talk)
        try {
          await session.ping()
        } catch (thrown) {
          const named = [ProbeError, LinkError, MalformedError].some(kind => thrown instanceof kind)
          expect(named, String(thrown)).toBe(true)
        }
        expect(seen.asked).toBeLessThanOrEqual(2 ** 24)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an error of the server', () => {
  test('is what its code means', () => {
    expect(failure(error('57P03', 'FATAL').subarray(5)).finding).toMatchObject({
      reason: 'server-not-ready',
      code: '57P03',
      message: 'as it is',
    })
  })

  test('without a code is another protocol', () => {
    expect(failure(ascii('Mold words\0\0')).finding).toMatchObject({
      reason: 'protocol-mismatch',
      message: 'old words',
    })
    expect(failure(Uint8Array.of(0)).finding.message).toBe('an error without a code')
  })

  test('of PgBouncer names PgBouncer', () => {
    const { finding, server } = failure(ascii('SFATAL\0C08P01\0Mno such database: x\0\0'))
    expect(finding.reason).toBe('database-not-found')
    expect(server).toEqual({ product: 'PgBouncer', via: 'pgbouncer' })
  })
})

describe('a query', () => {
  const asking = (...parts: Uint8Array[]) => {
    const { link, talk, seen } = received(...parts)
    return { seen, rows: new PostgresSession(link, talk).query('SELECT x') }
  }

  test('gives the rows of its first result', async () => {
    const { seen, rows } = asking(
      message('T', Uint8Array.of(0, 0)),
      row('a', 'b'),
      row('c', 'd'),
      done,
      row('e'),
      done,
      idle,
    )
    expect(await rows).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
    expect(seen.written).toEqual([message('Q', ascii('SELECT x\0'))])
  })

  test('may be empty, and may be no statement at all', async () => {
    expect(await asking(done, idle).rows).toEqual([])
    expect(await asking(message('I'), idle).rows).toEqual([])
  })

  test('of a large table keeps only its beginning', async () => {
    expect(await asking(...Array(5000).fill(row('x')), done, idle).rows).toHaveLength(100)
  })

  test('that fails is read to its end, so that the next one can be asked', async () => {
    const { link, talk, left } = received(error('42601'), idle)
    await expect(new PostgresSession(link, talk).query('SELEC')).rejects.toMatchObject({
      finding: { reason: 'query-error', code: '42601' },
    })
    expect(left()).toBe(0)
  })

  test.each(['42P01', '3F000', '42703'])(
    'that misses what migrations make (%s) is about the schema',
    async code => {
      await expect(asking(error(code), idle).rows).rejects.toMatchObject({
        finding: { reason: 'schema-missing', code },
      })
    },
  )

  test.each([
    ['57P01', 'connection-lost'],
    ['57P04', 'database-not-found'],
  ])('that a FATAL %s ends is told by that, and not by the end', async (code, reason) => {
    await expect(asking(error(code, 'FATAL')).rows).rejects.toMatchObject({ finding: { reason, code } })
  })

  test('that is answered by what is no answer to it is another protocol', async () => {
    await expect(asking(message('R', int32(0)), idle).rows).rejects.toMatchObject({
      finding: { reason: 'protocol-mismatch' },
    })
  })
})
