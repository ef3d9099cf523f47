/** HTTP servers: what is asked of them, what is expected, and what is read no further. */
import { createServer, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import * as peers from '../support/peers.js'
import { answering, listening, serve } from './http-servers.js'

leavingNothing()

describe('a status', () => {
  test.each([200, 201, 204, 299])('%i is ready, where none is named', async status => {
    const { steps, heard } = await readiness(await answering(status))
    expect(steps.map(({ layer }) => layer)).toEqual(['tcp', 'query'])
    expect(heard).toBe(true)
  })

  test.each([
    [400, 'unmet'],
    [401, 'authentication-failed'],
    [403, 'access-denied'],
    [404, 'unmet'],
    [407, 'authentication-failed'],
    [429, 'too-many-connections'],
    [500, 'unmet'],
    [502, 'server-not-ready'],
    [503, 'server-not-ready'],
    [504, 'server-not-ready'],
  ])('%i is %s, where none is named', async (status, reason) => {
    const { layer, finding } = await refusal(await answering(status))
    expect({ layer, ...finding }).toMatchObject({ layer: 'query', reason, code: String(status) })
    expect(finding.message).toContain(`status ${status}`)
    expect(finding.message).toContain('expected 200-299')
  })

  test.each([
    [404, '404'],
    [503, '200-299,503'],
    [304, '300-399'],
    [301, '200-399'],
    [401, '200,401'],
  ])('%i is ready for #status=%s', async (status, expected) => {
    await readiness(`${await answering(status)}/#status=${expected}`)
  })

  test('that is not among the expected ones is unmet, also where it is a good one', async () => {
    const { finding } = await refusal(`${await answering(200)}/#status=204,500-599`)
    expect(finding).toMatchObject({ reason: 'unmet', code: '200' })
    expect(finding.message).toContain('204,500-599')
  })

  test.each(['ok', '2xx', '200-', '99'])('"%s" is no status, and nothing is asked', async status => {
    const peer = await startedPeer(peers.silent)
    const { finding } = await refusal(`http://127.0.0.1:${peer.port}/#status=${status}`)
    expect(finding.reason).toBe('client-misuse')
    expect(finding.message).toContain(`"${status}"`)
    expect(peer.connections).toBe(0)
  })

  test.each([301, 302, 307, 308])(
    '%i leads elsewhere, where nobody follows, and the advice says so',
    async code => {
      const { finding } = await refusal(await answering(code, '', { location: 'https://elsewhere.test/' }))
      expect(finding).toMatchObject({ reason: 'unmet', code: String(code) })
      expect(finding.advice).toContain('redirects')
    },
  )

  test('101, which nobody asked for, does not hold the probe up', async () => {
    const switching = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'
    const { port } = await startedPeer(peers.answers(switching))
    const before = performance.now()
    await refusal(`http://127.0.0.1:${port}/`, { timeoutMs: 10_000 })
    expect(performance.now() - before).toBeLessThan(5000)
  })
})

describe('a body', () => {
  test('with the expected text is ready, wherever the text is cut', async () => {
    const base = await serve((_, response) => {
      response.write('all is re')
      setImmediate(() => response.end('ady, überall'))
    })
    await readiness(`${base}/#body=ready`)
    await readiness(`${base}/#body=${encodeURIComponent('ready, über')}`)
  })

  test('without it is unmet, and is not repeated', async () => {
    const verdict = await refusal(`${await answering(200, 'private matters')}/#body=ready`)
    expect(verdict.finding).toMatchObject({ reason: 'unmet', code: '200' })
    expect(JSON.stringify(verdict)).not.toContain('private matters')
  })

  test('counts only with an expected status', async () => {
    const base = await answering(503, 'ready')
    expect(await refusal(`${base}/#body=ready`)).toMatchObject({ finding: { reason: 'server-not-ready' } })
    await readiness(`${base}/#status=503&body=ready`)
  })

  test('without an end is not read beyond a bound, and not at all where nothing is expected of it', async () => {
    const chunk = 'x'.repeat(65_536)
    let sent = 0
    const closed: Promise<void>[] = []
    const base = await serve((_, response) => {
      closed.push(new Promise(resolve => response.once('close', resolve)))
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
        sent += chunk.length
      }
      response.on('drain', pour)
      pour()
    })
    await readiness(base)
    const { finding } = await refusal(`${base}/#body=ready`)
    expect(finding.reason).toBe('unmet')
    await Promise.all(closed)
    // What the kernel keeps in between on the way is not read by anybody.
    expect(sent).toBeLessThan(32 << 20)
  })
})

describe('a request', () => {
  async function asked(suffix: string, { user = '', host = '127.0.0.1' } = {}): Promise<IncomingMessage> {
    let seen: IncomingMessage | undefined
    const server = createServer((request, response) => {
      seen = request
      response.end()
    })
    const base = await listening(server, 'http', host)
    await readiness(base.replace('://', `://${user}`) + suffix)
    return seen as IncomingMessage
  }

  test('is a GET of path and query as they stand, without the fragment', async () => {
    const request = await asked('/a%20b//c?x=1&y=%26#status=200')
    expect(request).toMatchObject({ method: 'GET', url: '/a%20b//c?x=1&y=%26' })
    expect(request.headers.authorization).toBeUndefined()
  })

  test('asks for / where no path is given, and names the host with its port', async () => {
    const request = await asked('', { host: '::1' })
    expect(request.url).toBe('/')
    expect(request.headers.host).toMatch(/^\[::1\]:\d+$/)
  })

  test.each([
    [`app:${encodeURIComponent(SECRET)}@`, `app:${SECRET}`],
    ['token-only@', 'token-only:'],
    [`:${encodeURIComponent(SECRET)}@`, `:${SECRET}`],
  ])('carries the credentials of %s', async (user, credentials) => {
    const { headers } = await asked('/', { user })
    expect(headers.authorization).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`)
  })
})

describe('what an address keeps secret', () => {
  test.each([
    ['a query parameter', `/health?token=${encodeURIComponent(SECRET)}`],
    ['a query without a name', `/health?${encodeURIComponent(SECRET)}`],
  ])('%s is not in a verdict, whatever the server repeats', async (_, suffix) => {
    const base = await serve((request, response) => {
      const told = request.url?.split(/[?=]/).at(-1) ?? ''
      response.writeHead(500, told, { server: decodeURIComponent(told), location: told }).end(told)
    })
    const verdict = await refusal(base + suffix)
    expect(verdict.finding.message).toContain('***')
    const ready = await readiness(`${base}${suffix}#status=500`)
    expect(ready.server.product).toBe('***')
  })
})

describe('an answer that is none', () => {
  test('because its headers never end is no other service', async () => {
    const { port } = await startedPeer(peers.answers(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`))
    const { finding } = await refusal(`http://127.0.0.1:${port}/`)
    expect(finding.reason).toBe('protocol-mismatch')
    expect(finding.message).not.toContain('expected HTTP, but HTTP')
  })

  test('is not what one is that comes after the port was asked what it is', async () => {
    let asked = 0
    const base = await serve((_, response) => {
      // The first request is the probe's own; the answers to the others show HTTP, which was expected.
      if (asked++ === 0) setTimeout(() => response.end(), 1200)
      else response.end()
    })
    const { heard } = await readiness(base)
    expect({ heard, asked }).toEqual({ heard: true, asked: 2 })
  })

  test('because it comes after the deadline is a time-out, and the request is given up', async () => {
    let left = () => {}
    const gone = new Promise<void>(resolve => {
      left = resolve
    })
    const base = await serve(request => request.socket.once('close', left))
    const { verdict } = await probe(base, { timeoutMs: 100 })
    expect(verdict).toMatchObject({ layer: 'query', heard: false, finding: { reason: 'connect-timeout' } })
    await gone
  })
})
