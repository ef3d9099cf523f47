import { getEventListeners } from 'node:events'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { certificates } from '../../test/support/certs.js'
import { type Handles, openHandles, untilOnly } from '../../test/support/handles.js'
import { type Script, startPeer } from '../../test/support/peer.js'
import { LinkError } from '../core/service.js'
import { parseTarget, type Target } from '../core/target.js'
import { SCHEMES } from '../services/registry.js'
import { dial } from './dial.js'
import { SocketLink } from './link.js'

const closing: (() => Promise<void> | void)[] = []
let before: Handles
beforeEach(() => {
  before = openHandles()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await untilOnly(before)
})

const PLAIN = parseTarget('redis://localhost', { schemes: SCHEMES })

/** A socket whose other end is the test: `push` is what comes, `written` what went. */
class Wire extends Duplex {
  readonly remoteAddress: string | undefined
  readonly written: Buffer[] = []
  constructor(remoteAddress?: string) {
    super({ read: () => {}, write: (chunk, _, done) => done(void this.written.push(chunk)) })
    this.remoteAddress = remoteAddress
  }
}

function linkOver(
  wire: Duplex,
  { signal = new AbortController().signal, heard = () => {} } = {},
): SocketLink {
  const link = new SocketLink(wire as unknown as Socket, PLAIN, 'localhost', signal, heard)
  closing.push(() => link.close())
  return link
}

/** A link to a scripted peer on a real socket. */
async function linkTo(script: Script, { target = PLAIN, signal = new AbortController().signal } = {}) {
  const peer = await startPeer(script)
  closing.push(() => peer.close())
  const { socket } = await dial([{ address: peer.host, port: peer.port }], signal)
  const link = new SocketLink(socket, target, 'localhost', signal)
  closing.push(() => link.close())
  return { link, peer, socket }
}

const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString()

describe('reading', () => {
  test('gives exactly what was asked for, and keeps the rest', async () => {
    const wire = new Wire()
    const link = linkOver(wire)
    wire.push('abc')
    wire.push('def')
    expect(textOf(await link.read(2))).toBe('ab')
    expect(textOf(await link.read(3))).toBe('cde')
    expect(textOf(await link.peek())).toBe('f')
    expect(textOf(await link.read(1))).toBe('f')
    expect(await link.read(0)).toHaveLength(0)
  })

  test('waits until there is enough', async () => {
    const wire = new Wire()
    const read = linkOver(wire).read(4)
    for (const part of ['a', 'b', 'c']) wire.push(part)
    await Promise.resolve()
    wire.push('de')
    expect(textOf(await read)).toBe('abcd')
  })

  test('a look takes nothing away, and waits for the first byte', async () => {
    const wire = new Wire()
    const link = linkOver(wire)
    const look = link.peek()
    wire.push('abc')
    expect(textOf(await look)).toBe('abc')
    expect(textOf(await link.peek())).toBe('abc')
    expect(textOf(await link.read(3))).toBe('abc')
  })

  test('a line ends with CR and LF, and not with one of them', async () => {
    const wire = new Wire()
    const link = linkOver(wire)
    wire.push('a\nb\rc\r')
    wire.push('\n\r\nnext')
    expect(await link.readLine(10)).toBe('a\nb\rc')
    expect(await link.readLine(10)).toBe('')
    expect(textOf(await link.peek())).toBe('next')
  })

  test('a line may be as long as the limit and no longer', async () => {
    const wire = new Wire()
    const link = linkOver(wire)
    wire.push('12345\r\n123456\r\n')
    expect(await link.readLine(5)).toBe('12345')
    await expect(link.readLine(5)).rejects.toThrow('no line end within 5 bytes')
  })

  test('a line as long as the limit may wait for its end, also for half of it', async () => {
    const wire = new Wire()
    const line = linkOver(wire).readLine(5)
    wire.push('12345')
    await new Promise(resolve => setImmediate(resolve))
    wire.push('\r')
    await new Promise(resolve => setImmediate(resolve))
    wire.push('\n')
    expect(await line).toBe('12345')
  })

  test('a line without an end is given up at the limit, not at the end of the stream', async () => {
    const wire = new Wire()
    const line = linkOver(wire).readLine(5)
    wire.push('1234567')
    await expect(line).rejects.toThrow(LinkError)
  })

  test('however the bytes are cut, the same messages come out', async () => {
    const message = fc.oneof(
      fc.record({
        kind: fc.constant('bytes' as const),
        data: fc.uint8Array({ minLength: 1, maxLength: 40 }),
      }),
      fc.record({
        kind: fc.constant('line' as const),
        data: fc.string({ unit: 'binary' }).filter(one => !/[\r\n]/.test(one)),
      }),
    )
    const cuts = fc.array(fc.nat(400), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), cuts, async (messages, where) => {
        const all = Buffer.concat(
          messages.map(({ kind, data }) =>
            kind === 'bytes' ? Buffer.from(data) : Buffer.from(`${data}\r\n`),
          ),
        )
        const wire = new Wire()
        const link = linkOver(wire)
        const bounds = [...new Set([0, ...where.filter(at => at < all.length), all.length])].sort(
          (a, b) => a - b,
        )
        const reading = (async () => {
          for (const { kind, data } of messages) {
            if (kind === 'bytes') expect([...(await link.read(data.length))]).toEqual([...data])
            else expect(await link.readLine(1000)).toBe(data)
          }
        })()
        for (const [i, end] of bounds.entries()) {
          const chunk = all.subarray(bounds[i - 1] ?? 0, end)
          if (chunk.length > 0) wire.push(chunk)
          if (i % 2 === 0) await new Promise(resolve => setImmediate(resolve))
        }
        await reading
        link.close()
      }),
    )
  })
})

describe('the end of the stream', () => {
  test('lets be read what came before it, and then is a LinkError', async () => {
    const { link } = await linkTo(async peer => {
      await peer.send('abc')
      await peer.end()
    })
    expect(textOf(await link.read(3))).toBe('abc')
    await expect(link.read(1)).rejects.toThrow('the server closed the connection')
    await expect(link.peek()).rejects.toThrow(LinkError)
    await link.closed
  })

  test('in the middle of what was asked for ends the read', async () => {
    const { link } = await linkTo(async peer => {
      await peer.send('abc')
      await peer.end()
    })
    await expect(link.read(4)).rejects.toMatchObject({ code: 'EOF' })
  })

  test('that is a reset is the error of the socket', async () => {
    const { link } = await linkTo(async peer => {
      await peer.readSome()
      await peer.reset()
    })
    link.write(new TextEncoder().encode('x'))
    await expect(link.read(1)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await link.closed
  })

  test('that we make ends a read, too, and later writes are no crash', async () => {
    const { link } = await linkTo(peer => peer.hang())
    const read = link.read(1)
    link.close()
    await expect(read).rejects.toThrow('closed here')
    link.write(Uint8Array.of(1))
    await link.closed
  })

  test('is noticed while nobody reads', async () => {
    const { link } = await linkTo(peer => peer.end())
    await link.closed
  })
})

describe('the signal', () => {
  test('ends a read with its own reason, and leaves no listener', async () => {
    const controller = new AbortController()
    const link = linkOver(new Wire(), controller)
    const reads = [() => link.read(1), () => link.peek(), () => link.readLine(9)]
    const read = reads[0]?.()
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    const reason = new Error('the deadline')
    controller.abort(reason)
    await expect(read).rejects.toBe(reason)
    for (const again of reads) await expect(again()).rejects.toBe(reason)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

test('every chunk is heard of', async () => {
  let chunks = 0
  const wire = new Wire()
  const link = linkOver(wire, { signal: new AbortController().signal, heard: () => chunks++ })
  expect(chunks).toBe(0)
  wire.push('a')
  await link.peek()
  wire.push('b')
  await link.read(2)
  expect(chunks).toBe(2)
})

test('who talks without being asked is paused, and goes on when something is read', async () => {
  const wire = new Wire()
  const link = linkOver(wire)
  const chunk = Buffer.alloc(1 << 16, 'x')
  for (let i = 0; i < 17; i++) wire.push(chunk)
  await new Promise(resolve => setImmediate(resolve))
  expect(wire.isPaused()).toBe(true)
  for (let i = 0; i < 8; i++) wire.push(chunk)
  expect(await link.read(20 << 16)).toHaveLength(20 << 16)
  expect(await link.read(5 << 16)).toHaveLength(5 << 16)
})

test('who says little is not paused, so that its end is noticed', async () => {
  const wire = new Wire()
  const link = linkOver(wire)
  wire.push('a little')
  await new Promise(resolve => setImmediate(resolve))
  expect(wire.isPaused()).toBe(false)
  wire.push(null)
  await link.closed
  expect(textOf(await link.read(8))).toBe('a little')
})

test('an endless talker on a real socket is not buffered without bound', async () => {
  const chunk = Buffer.alloc(1 << 20)
  const { link, socket } = await linkTo(async peer => {
    for (let i = 0; i < 64; i++) await peer.send(chunk)
  })
  await vi.waitFor(() => expect(socket.isPaused()).toBe(true))
  expect(socket.bytesRead).toBeLessThan(2 << 20)
  expect(await link.read(4 << 20)).toHaveLength(4 << 20)
})

describe('an address', () => {
  test.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['10.0.0.1', false],
    ['::2', false],
    ['1127.0.0.1', false],
    ['::1f', false],
  ])('%s is local: %s', (address, local) => {
    const link = linkOver(new Wire(address))
    expect([link.address, link.local, link.secure]).toEqual([address, local, false])
  })

  test('of a Unix socket is called unix, and is local', () => {
    const link = linkOver(new Wire())
    expect([link.address, link.local]).toEqual(['unix', true])
  })
})

describe('TLS', () => {
  const target = async (query = ''): Promise<Target> => {
    const { ca } = await certificates()
    return parseTarget(`rediss://localhost?sslrootcert=${encodeURIComponent(ca.certPath)}${query}`, {
      schemes: SCHEMES,
    })
  }

  test('begins after plain messages, and what follows is protected', async () => {
    const { server } = await certificates()
    const { link } = await linkTo(
      async peer => {
        await peer.readUntil('?')
        await peer.send('!')
        await peer.startTls(server)
        await peer.send((await peer.readUntil('?')).toString().toUpperCase())
        await peer.end()
      },
      { target: await target() },
    )
    expect(link.peerCertificate).toBeUndefined()
    link.write(Buffer.from('tls?'))
    expect(textOf(await link.read(1))).toBe('!')
    await link.startTls()
    expect(link.secure).toBe(true)
    expect(Buffer.from(link.peerCertificate ?? []).toString('base64')).toBe(
      server.cert.replace(/-----.*-----|\s/g, ''),
    )
    link.write(Buffer.from('hello?'))
    expect(textOf(await link.read(6))).toBe('HELLO?')
    await expect(link.read(1)).rejects.toThrow('the server closed the connection')
    await link.closed
  })

  test('is refused while plain bytes are buffered, which a stranger could have put there', async () => {
    const { server } = await certificates()
    const { link } = await linkTo(
      async peer => {
        await peer.send('Sx')
        await peer.startTls(server)
      },
      { target: await target() },
    )
    expect(textOf(await link.read(1))).toBe('S')
    await expect(link.startTls()).rejects.toThrow('plain bytes before the TLS handshake')
    expect(link.secure).toBe(false)
  })

  test.each([
    ['without a word, is a lost connection', '', { code: 'EOF' }],
    ['in the middle, is a handshake that failed', '\x16\x03\x03', { code: 'ECONNRESET' }],
  ])('that the server leaves %s', async (_, said, error) => {
    const { link } = await linkTo(
      async peer => {
        await peer.readSome()
        if (said) await peer.send(said)
        await peer.end()
      },
      { target: await target() },
    )
    await expect(link.startTls()).rejects.toMatchObject(error)
    expect(link.secure).toBe(false)
  })

  test('that the server has left before it began ends, and does not hang', async () => {
    const { link } = await linkTo(
      async peer => {
        await peer.send('S')
        await peer.end()
      },
      { target: await target() },
    )
    expect(textOf(await link.read(1))).toBe('S')
    await link.closed
    await expect(link.startTls()).rejects.toThrow(LinkError)
  })

  test('that fails leaves nothing open once the link is closed', async () => {
    const { wrongHost } = await certificates()
    const { link } = await linkTo(peer => peer.startTls(wrongHost).then(() => peer.hang()), {
      target: await target(),
    })
    await expect(link.startTls()).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  test('ends with the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('the deadline')
    const { link, peer } = await linkTo(connection => connection.hang(), {
      target: await target(),
      signal: controller.signal,
    })
    const starting = link.startTls()
    await (await peer.waitForConnection()).readSome()
    controller.abort(reason)
    await expect(starting).rejects.toBe(reason)
  })

  test('asks for the protocol that it is told to', async () => {
    const { server } = await certificates()
    const { link } = await linkTo(
      async peer => {
        await peer.startTls(server, { ALPNProtocols: ['other', 'postgresql'] })
        await peer.hang()
      },
      { target: await target() },
    )
    await link.startTls({ alpn: 'postgresql' })
    expect((link.stream as { alpnProtocol?: unknown }).alpnProtocol).toBe('postgresql')
  })
})

test('a stream that is handed on is read by nobody else', async () => {
  const wire = new Wire()
  const link = linkOver(wire)
  expect(link.stream).toBe(wire)
  const seen: string[] = []
  wire.on('data', chunk => seen.push(String(chunk)))
  wire.push('abc')
  await new Promise(resolve => setImmediate(resolve))
  expect(seen).toEqual(['abc'])
})
