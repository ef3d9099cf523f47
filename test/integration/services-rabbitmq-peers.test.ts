/** What brokers say that a real one cannot be brought to say here. */
import { describe, expect, test } from 'vitest'
import { FRAME, frame, PROTOCOL_HEADER, readFrame, Writer } from '../../src/wire/amqp.js'
import { METHOD, method, methodOf } from '../../src/wire/amqpmethods.js'
import { leavingNothing, probe, readiness, refusal, SECRET, startedPeer } from '../conformance/probing.js'
import {
  AMQP_ERRORS,
  type AmqpScript,
  amqp,
  answersMethods,
  blocked,
  closes,
  heartbeats,
  openOk,
  start,
  tune,
} from '../support/amqppeers.js'
import type { Script } from '../support/peer.js'
import { answers } from '../support/peers.js'

leavingNothing()

const at = async (script: Script, path = '', user = `app:${encodeURIComponent(SECRET)}@`) =>
  `amqp://${user}127.0.0.1:${(await startedPeer(script)).port}${path}`

describe('a server that wants another version', () => {
  const header = (...bytes: number[]) => answers(Uint8Array.from([...Buffer.from('AMQP'), ...bytes]))

  test.each([
    ['AMQP 1.0', header(0, 1, 0, 0), /speaks AMQP 1\.0/],
    ['AMQP 1.0 after SASL', header(3, 1, 0, 0), /speaks AMQP 1\.0/],
    ['AMQP 0-10', header(1, 1, 0, 10), /version bytes 1 1 0 10/],
    ['this version, and yet not the header', header(0, 0, 9, 1), /refused the header of version 0-9-1/],
  ])('%s, is told apart', async (_, script, message) => {
    const { layer, heard, finding } = await refusal(await at(script))
    expect({ layer, heard, reason: finding.reason }).toEqual({
      layer: 'handshake',
      heard: true,
      reason: 'protocol-mismatch',
    })
    expect(finding.message).toMatch(message)
  })
})

describe('the login', () => {
  /** What a peer heard of it. */
  async function heardBy(path: string, user: string, more: AmqpScript = {}) {
    const heard: string[] = []
    const script = amqp({
      login: (mechanism, response) => {
        heard.push(mechanism, response)
        return tune()
      },
      open: vhost => {
        heard.push(vhost)
        return openOk()
      },
      ...more,
    })
    const { verdict } = await probe(await at(script, path, user))
    return { heard, verdict }
  }

  test.each([
    ['', '', ['PLAIN', '\0guest\0guest', '/']],
    ['/', 'app@', ['PLAIN', '\0app\0', '/']],
    ['/a%2Fb', 'a%40b:p%3Aw@', ['PLAIN', '\0a@b\0p:w', 'a/b']],
    ['/a/b', ':only@', ['PLAIN', '\0guest\0only', 'a/b']],
  ])('of the path "%s" and the user "%s" is %j', async (path, user, expected) => {
    expect((await heardBy(path, user)).heard).toEqual(expected)
  })

  test.each([
    ['EXTERNAL', 'only EXTERNAL'],
    ['', 'only none'],
  ])('is not tried where the server offers "%s"', async (mechanisms, message) => {
    const { heard, verdict } = await heardBy('', 'app:secret@', { start: start(mechanisms) })
    expect(heard).toEqual([])
    expect(verdict).toMatchObject({ layer: 'auth', finding: { reason: 'client-misuse' } })
    expect(JSON.stringify(verdict)).toContain(message)
  })

  test.each(['allow', 'prefer', 'require'])(
    'with sslmode=%s begins with TLS, and does not go on without it',
    async sslmode => {
      const peer = await startedPeer(answers(PROTOCOL_HEADER))
      const { layer, finding } = await refusal(
        `amqp://app:${encodeURIComponent(SECRET)}@127.0.0.1:${peer.port}/?sslmode=${sslmode}`,
      )
      expect([layer, finding.reason, peer.connections]).toEqual(['tls', 'tls-failure', 1])
      const heard = (await peer.waitForConnection()).received()
      expect([heard[0], heard.includes('AMQP'), heard.includes(SECRET)]).toEqual([0x16, false, false])
    },
  )

  test('that is refused as guest has advice about loopback_users', async () => {
    const refuses = amqp({ login: () => AMQP_ERRORS.login })
    for (const user of ['', 'guest:guest@'])
      expect((await refusal(await at(refuses, '', user))).finding.advice).toContain('loopback_users')
    expect((await refusal(await at(refuses))).finding.advice).toBeUndefined()
  })

  test('that meets a shutdown is a lost connection, and waiting helps', async () => {
    const verdict = await refusal(await at(amqp({ open: () => AMQP_ERRORS.shutdown })))
    expect(verdict).toMatchObject({ layer: 'auth', finding: { reason: 'connection-lost', code: '320' } })
  })

  test.each([
    ['another method than connection.start', amqp({ start: tune() }), 'handshake', /first bytes/],
    [
      'a challenge',
      amqp({ login: () => method(0, METHOD.secure, new Writer().longstr('')) }),
      'auth',
      /secure/,
    ],
    [
      'a content frame',
      amqp({ login: () => frame(FRAME.body, 1, new Uint8Array(4)) }),
      'auth',
      /in place of a/,
    ],
    ['half of its arguments', amqp({ login: () => method(0, METHOD.tune) }), 'auth', /ends too soon/],
    ['a method that nobody knows', amqp({ login: () => method(0, 99_001) }), 'auth', /99\.1/],
  ] as const)('that is answered by %s shows a broken peer', async (_, script, layer, message) => {
    const verdict = await refusal(await at(script))
    expect(verdict).toMatchObject({ layer, finding: { reason: 'protocol-mismatch' } })
    expect(verdict.finding.message).toMatch(message)
  })
})

describe('the product', () => {
  test.each([
    [
      { product: 'LavinMQ', version: '2.1.0' },
      { product: 'LavinMQ', version: '2.1.0' },
    ],
    [{}, { product: 'AMQP' }],
    [{ product: 7, version: '' }, { product: 'AMQP' }],
  ])('of %j is %j', async (properties, server) => {
    const found = await readiness(await at(amqp({ start: start('PLAIN', properties) })))
    expect(found.server).toEqual(server)
  })
})

describe('an open connection', () => {
  test('answers heartbeats while it is held', async () => {
    let answered: (type: number) => void = () => {}
    const answer = new Promise<number>(resolve => {
      answered = resolve
    })
    const serve: Script = async connection => {
      for (const reply of [
        method(1, METHOD.channelOpenOk, new Writer().longstr('')),
        method(1, METHOD.channelCloseOk),
      ]) {
        await readFrame(connection)
        await connection.send(reply)
      }
      await connection.send(heartbeats(1))
      answered((await readFrame(connection)).type)
      await connection.hang()
    }
    await probe(await at(amqp({ serve })))
    expect(await answer).toBe(FRAME.heartbeat)
  })

  test('ends when it is told to, and agrees', async () => {
    const agreed: number[] = []
    const serve: Script = async connection => {
      await readFrame(connection)
      await connection.send(AMQP_ERRORS.shutdown)
      agreed.push(methodOf(await readFrame(connection)).id)
    }
    const verdict = await refusal(await at(amqp({ serve })))
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'connection-lost', code: '320' } })
    await expect.poll(() => agreed).toEqual([METHOD.closeOk])
  })

  test('is ended with a farewell', async () => {
    const heard: number[] = []
    const serve = answersMethods({}, id => heard.push(id))
    const { session } = await probe(await at(amqp({ serve })))
    await session?.close()
    await expect.poll(() => heard).toEqual([METHOD.channelOpen, METHOD.channelClose, METHOD.close])
  })

  test('that is flooded with frames that nobody asked for ends, and keeps few of them', async () => {
    const flood = Array.from({ length: 17 }, () => frame(FRAME.body, 1, new Uint8Array(60_000)))
    const answer = Buffer.concat([method(1, METHOD.channelCloseOk), ...flood])
    const { session } = await probe(
      await at(amqp({ serve: answersMethods({ [METHOD.channelClose]: answer }) })),
    )
    await session?.closed
    // What came before is read first, and is no answer.
    await expect(session?.ping?.()).rejects.toMatchObject({ finding: { reason: 'protocol-mismatch' } })
  })

  test('to a virtual host that goes down is told so by its channel', async () => {
    const down = closes(541, "INTERNAL_ERROR - vhost '/' is down", 1)
    const verdict = await refusal(await at(amqp({ serve: answersMethods({ [METHOD.channelOpen]: down }) })))
    expect(verdict).toMatchObject({ layer: 'query', finding: { reason: 'server-not-ready', code: '541' } })
  })
})

describe('a write', () => {
  const acknowledged = method(1, METHOD.basicAck, new Writer().longlong(1n).octet(0))
  const header = frame(FRAME.header, 1, new Writer().short(60).short(0).longlong(8n).short(0).bytes)
  const body = (text: string) => frame(FRAME.body, 1, Buffer.from(text))
  const got = (...parts: Uint8Array[]) =>
    Buffer.concat([
      method(1, METHOD.basicGetOk, new Writer().longlong(1n).octet(0).shortstr('').shortstr('q').long(0)),
      header,
      ...parts,
    ])
  const working: Readonly<Record<number, Uint8Array>> = {
    [METHOD.queueDeclare]: method(
      1,
      METHOD.queueDeclareOk,
      new Writer().shortstr('amq.gen-1').long(0).long(0),
    ),
    [METHOD.confirmSelect]: method(1, METHOD.confirmSelectOk),
    [METHOD.basicPublish]: acknowledged,
    [METHOD.basicGet]: got(body('holdfast')),
    [METHOD.queueDelete]: method(1, METHOD.queueDeleteOk, new Writer().long(0)),
  }
  const serve = (answer: Readonly<Record<number, Uint8Array>>) =>
    amqp({ serve: answersMethods({ ...working, ...answer }) })

  test('takes its message back, in one piece or in several', async () => {
    await readiness(await at(serve({})), { until: 'write' })
    const pieces = got(body('hold'), body('fas'), body('t'))
    const { session } = await probe(await at(serve({ [METHOD.basicGet]: pieces })), { until: 'write' })
    await session?.ping?.()
  })

  test.each([
    ['is not taken', METHOD.basicPublish, method(1, METHOD.basicNack, new Writer().longlong(1n).octet(0))],
    ['is returned', METHOD.basicPublish, method(1, METHOD.basicReturn, new Writer().short(312))],
    ['is gone', METHOD.basicGet, method(1, METHOD.basicGetEmpty, new Writer().shortstr(''))],
  ])('whose message %s is unmet', async (what, id, answer) => {
    const verdict = await refusal(await at(serve({ [id]: answer })), { until: 'write' })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'unmet' } })
    expect(verdict.finding.message).toContain(what.replace('is ', 'was '))
  })

  test('that the broker blocks is told why; an alarm that is over before, or that only others feel, is not', async () => {
    const low = blocked('low on disk')
    const verdict = await refusal(await at(serve({ [METHOD.basicPublish]: low })), { until: 'write' })
    expect(verdict).toMatchObject({
      layer: 'write',
      finding: { reason: 'resource-exhausted', code: 'BLOCKED' },
    })
    expect(verdict.finding.message).toContain('low on disk')
    const over = Buffer.concat([method(1, METHOD.channelCloseOk), low, method(0, METHOD.unblocked)])
    await readiness(await at(serve({ [METHOD.channelClose]: over })), { until: 'write' })
    const early = Buffer.concat([openOk(), low])
    await readiness(await at(amqp({ open: () => early })))
  })

  test('whose message has empty pieces without an end is a broken peer', async () => {
    const verdict = await refusal(await at(serve({ [METHOD.basicGet]: got(body(''), body('')) })), {
      until: 'write',
    })
    expect(verdict).toMatchObject({ layer: 'write', finding: { reason: 'protocol-mismatch' } })
  })
})
