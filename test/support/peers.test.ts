import { createConnection } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { Client } from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { certificates } from './certs.js'
import { type Peer, type PeerOptions, type Script, startPeer } from './peer.js'
import * as peers from './peers.js'
import { noticeResponse, readMessage } from './pgframes.js'
import * as pg from './pgpeers.js'

const open: Peer[] = []
afterEach(async () => {
  const errors = open.flatMap(peer => peer.errors)
  await Promise.all(open.splice(0).map(peer => peer.close()))
  expect(errors).toEqual([])
})

async function peer(script: Script, options?: PeerOptions) {
  const it = await startPeer(script, options)
  open.push(it)
  return it
}

/** What a plain client sees: what came, and then FIN, the error's code, or nothing for a while. */
function visit(
  to: { host: string; port: number },
  say = '',
  /** Where not even a word is expected, a moment will do. */
  mute = false,
): Promise<{ got: string; end: string }> {
  return new Promise(resolve => {
    const socket = createConnection({ ...to, allowHalfOpen: true })
    let got = ''
    const done = (end: string) => {
      clearTimeout(patience)
      socket.destroy()
      resolve({ got, end })
    }
    const silent = () => done('silence')
    let patience = setTimeout(silent, mute ? 80 : 5000)
    socket.on('data', chunk => {
      got += chunk.toString('latin1')
      clearTimeout(patience)
      patience = setTimeout(silent, 200)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? ''))
    socket.on('end', () => done('FIN'))
    if (say) socket.write(say)
  })
}

async function ask(to: Peer, ssl?: object): Promise<unknown> {
  const client = new Client({ connectionString: to.url('postgres'), ...(ssl ? { ssl } : {}) })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<{ value: string }>('select 1')).rows[0]?.value
  } finally {
    await client.end().catch(() => {})
  }
}

describe('ends of a connection', () => {
  test('refused', async () => {
    expect(await visit(await peers.refused())).toEqual({ got: '', end: 'ECONNREFUSED' })
  })

  test.each([
    ['silent', peers.silent, '', 'silence'],
    ['eofOnAccept', peers.eofOnAccept, 'x', 'FIN'],
    ['resetOnAccept', peers.resetOnAccept, '', 'ECONNRESET'],
    ['eofAfterFirstBytes', peers.eofAfterFirstBytes, 'x', 'FIN'],
    ['resetAfterFirstBytes', peers.resetAfterFirstBytes, 'x', 'ECONNRESET'],
  ])('%s', async (_, script, say, end) => {
    const it = await peer(script)
    expect(await visit(it, say, end === 'silence')).toEqual({ got: '', end })
    expect(it.connections).toBe(1)
  })

  test('bytes sent before a reset arrive, and bytes that nobody reads do not turn a FIN into a reset', async () => {
    const resets = await peer(async connection => {
      await connection.send('last words')
      await connection.reset()
    })
    expect(await visit(resets)).toEqual({ got: 'last words', end: 'ECONNRESET' })
    const ends = await peer(async connection => {
      await connection.readUntil('a')
      await connection.send('bye')
      await connection.end()
    })
    expect(await visit(ends, `a${'b'.repeat(100_000)}`)).toEqual({ got: 'bye', end: 'FIN' })
  })

  test('a script that throws resets the connection and is kept in errors', async () => {
    const it = await startPeer(() => Promise.reject(new Error('wrong step')))
    expect((await visit(it)).end).toBe('ECONNRESET')
    expect(it.errors).toEqual([new Error('wrong step')])
    await it.close()
  })
})

describe('steps', () => {
  test('reads what it asks for and keeps all that came', async () => {
    const seen: string[] = []
    const it = await peer(async connection => {
      seen.push((await connection.read(2)).toString())
      seen.push((await connection.readUntil('-')).toString())
      seen.push((await connection.readUntil(unread => unread.length >= 3)).toString())
      await connection.send('done')
    })
    const first = it.waitForConnection()
    expect(await visit(it, 'abcd-efg')).toEqual({ got: 'done', end: 'FIN' })
    expect(seen).toEqual(['ab', 'cd-', 'efg'])
    expect((await first).received().toString()).toBe('abcd-efg')
    await visit(it, 'x')
    await it.waitForConnection(2)
    expect(it.connections).toBe(2)
  })

  test('close cuts what is open, on IPv6 too', async () => {
    const it = await startPeer(peers.silent, { host: '::1' })
    const socket = createConnection(it)
    socket.on('error', () => {})
    await it.waitForConnection()
    expect(it.open).toBe(1)
    const closed = new Promise(resolve => socket.once('close', resolve))
    await it.close()
    await closed
    expect(it.open).toBe(0)
    expect((await visit(it)).end).toBe('ECONNREFUSED')
  })

  test.each(['tlsOnly', 'the option tls'])('%s', async how => {
    const { server, ca } = await certificates()
    const script = peers.answers('in private')
    const it = await (how === 'tlsOnly' ? peer(peers.tlsOnly(server, script)) : peer(script, { tls: server }))
    const socket = connectTls({ host: 'localhost', port: it.port, ca: ca.cert })
    socket.write('hello')
    const got = await new Promise(resolve => socket.once('data', resolve))
    expect(String(got)).toBe('in private')
    await new Promise(resolve => socket.once('end', resolve))
    socket.destroy()
    expect((await it.waitForConnection()).received().toString()).toBe('hello')
    expect(await visit(it, 'no handshake at all')).not.toMatchObject({ end: 'silence' })
  })
})

describe('other protocols', () => {
  test.each(['mysql', 'ssh', 'amqp', 'random'] as const)('%s speaks first', async name => {
    const greeting = peers.GREETINGS[name]
    const it = await peer(peers.greets(greeting))
    expect(await visit(it)).toEqual({
      got: Buffer.from(greeting).toString('latin1'),
      end: 'silence',
    })
  })

  test.each(['http', 'redis'] as const)('%s answers', async name => {
    const it = await peer(peers.answers(peers.GREETINGS[name]))
    expect(await visit(it, 'x')).toEqual({ got: peers.GREETINGS[name], end: 'FIN' })
  })

  test('redis answers each command, inline or not', async () => {
    const it = await peer(peers.redis((name, args) => `+${name} ${args.join(',')}\r\n`))
    const said = 'ping\r\n*2\r\n$4\r\nauth\r\n$3\r\na b\r\n'
    expect((await visit(it, said)).got).toBe('+PING \r\n+AUTH a b\r\n')
    const loading = await peer(peers.redis(() => peers.REDIS_ERRORS.loading))
    expect((await visit(loading, 'PING\r\n')).got).toMatch(/^-LOADING /)
    expect(await visit(await peer(peers.redisFull))).toEqual({
      got: '-ERR max number of clients reached\r\n',
      end: 'FIN',
    })
  })
})

describe('postgres', () => {
  test.each(['trust', 'cleartext', 'md5', 'scram'] as const)('auth %s', async auth => {
    expect(await ask(await peer(pg.postgres({ auth })))).toBe('1')
    if (auth === 'trust') return
    const other = ask(await peer(pg.postgres({ auth, password: 'another' })))
    await expect(other).rejects.toMatchObject({ code: '28P01', routine: 'auth_failed' })
  })

  test('a wrong signature of the server is noticed', async () => {
    const it = await peer(pg.postgres({ auth: 'scram', wrongSignature: true }))
    await expect(ask(it)).rejects.toThrow(/server signature/)
  })

  test('S and a handshake, N, and S with garbage', async () => {
    const { server, ca } = await certificates()
    const trust = { ca: ca.cert, servername: 'localhost' }
    expect(await ask(await peer(pg.postgres({ tls: server, auth: 'scram' })), trust)).toBe('1')
    await expect(ask(await peer(pg.postgres()), trust)).rejects.toThrow(/does not support SSL/)
    await expect(ask(await peer(pg.sslThenGarbage), trust)).rejects.toMatchObject({ code: /^ERR_SSL/ })
  })

  test.each(Object.entries(pg.postgresErrors))('%s', async (_, error) => {
    const it = await peer(pg.postgresError(error))
    await expect(ask(it)).rejects.toMatchObject({ ...error, severity: 'FATAL' })
  })

  test('errors and rows of statements', async () => {
    const failing = await peer(pg.postgresQueryError({ code: '42P01', message: 'no such relation' }))
    await expect(ask(failing)).rejects.toMatchObject({ code: '42P01', severity: 'ERROR' })
    expect(await ask(await peer(pg.postgres({ query: text => pg.oneRow(`you said ${text}`) })))).toBe(
      'you said select 1',
    )
  })

  test('startupThenSilence has heard who it is', async () => {
    const it = await peer(pg.startupThenSilence)
    const client = new Client({ connectionString: it.url('postgres'), connectionTimeoutMillis: 50 })
    client.on('error', () => {})
    await expect(client.connect()).rejects.toThrow(/timeout expired/)
    expect((await it.waitForConnection()).received().toString()).toContain('user\0app\0')
  })

  test('a script may take over after the login', async () => {
    const it = await peer(
      pg.postgres({
        parameters: { server_version: '99.1' },
        afterLogin: async connection => {
          const notice = noticeResponse({ severity: 'WARNING', code: '57P02', message: 'crash of another' })
          await connection.send(notice)
          await readMessage(connection).catch(() => {})
        },
      }),
    )
    const client = new Client({ connectionString: it.url('postgres'), connectionTimeoutMillis: 50 })
    const notice = new Promise(resolve => client.once('notice', resolve))
    client.on('error', () => {})
    client.connect().catch(() => {})
    expect(await notice).toMatchObject({ code: '57P02' })
    await client.end()
  })
})
