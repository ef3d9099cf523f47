import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Certificates, certificates } from '../../test/support/certs.js'
import { type Handles, openHandles, untilOnly } from '../../test/support/handles.js'
import { type PeerOptions, type Script, startPeer } from '../../test/support/peer.js'
import { tempFolder } from '../../test/support/root.js'
import { Secret } from '../core/redact.js'
import { ProbeError } from '../core/service.js'
import type { TlsMode, TlsSettings } from '../core/tls.js'
import { dial } from './dial.js'
import { startTls } from './tls.js'

const closing: (() => Promise<void> | void)[] = []
let before: Handles
beforeEach(() => {
  before = openHandles()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await untilOnly(before)
})

interface Call {
  host?: string
  alpn?: string
  signal?: AbortSignal
  settings?: Partial<TlsSettings>
}

/** Connects to a peer that plays `script`, and begins TLS in the given mode. */
async function secure(mode: TlsMode, script: Script, call: Call = {}, options: PeerOptions = {}) {
  const peer = await startPeer(script, options)
  closing.push(() => peer.close())
  const { signal = new AbortController().signal, host = 'localhost', settings, ...more } = call
  const { socket } = await dial([{ address: peer.host, port: peer.port }], signal)
  closing.push(() => {
    socket.destroy()
  })
  const tls: TlsSettings = { mode, sni: true, direct: false, ...settings }
  const starting = startTls(socket, { tls, host, signal, ...more })
  return { peer, starting }
}

const serving =
  (certificate: { cert: string; key: string }, options = {}): Script =>
  async peer => {
    await peer.startTls(certificate, options)
    await peer.hang()
  }

/** `ok`, or the code of the error. */
async function outcome(
  mode: TlsMode,
  certificate: keyof Certificates,
  settings: Partial<TlsSettings>,
  host?: string,
) {
  const certs = await certificates()
  const { starting } = await secure(mode, serving(certs[certificate]), {
    settings,
    ...(host ? { host } : {}),
  })
  return starting.then(
    () => 'ok',
    error => error.code,
  )
}

describe('a certificate', () => {
  const everyone = ['server', 'wrongHost', 'expired', 'selfSigned'] as const
  const unverified = ['allow', 'prefer', 'require'] as const
  test.each(unverified.flatMap(mode => everyone.map(certificate => [certificate, mode] as const)))(
    '%s is not looked at in mode %s',
    async (certificate, mode) => expect(await outcome(mode, certificate, {})).toBe('ok'),
  )

  const verified = [
    ['verify-ca', 'server', 'ok'],
    ['verify-ca', 'wrongHost', 'ok'],
    ['verify-ca', 'expired', 'CERT_HAS_EXPIRED'],
    ['verify-ca', 'selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['verify-full', 'server', 'ok'],
    ['verify-full', 'wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['verify-full', 'expired', 'CERT_HAS_EXPIRED'],
    ['verify-full', 'selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    // With an authority given, require checks it.
    ['require', 'server', 'ok'],
    ['require', 'wrongHost', 'ok'],
    ['require', 'expired', 'CERT_HAS_EXPIRED'],
    ['require', 'selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['prefer', 'selfSigned', 'ok'],
  ] as const
  test.each(verified)(
    'in mode %s with the authority given, %s, gives %s',
    async (mode, certificate, result) => {
      const { ca } = await certificates()
      expect(await outcome(mode, certificate, { ca: ca.certPath })).toBe(result)
    },
  )

  test.each(['verify-ca', 'verify-full', 'require'] as const)(
    'of another authority is refused in mode %s',
    async mode => {
      const { otherCa } = await certificates()
      expect(await outcome(mode, 'server', { ca: otherCa.certPath })).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    },
  )

  test.each([{}, { ca: 'system' }])(
    'of an authority that the system does not know is refused: %j',
    async settings => {
      expect(await outcome('verify-full', 'server', settings)).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    },
  )

  test('may be for the address itself', async () => {
    const { ca } = await certificates()
    const settings = { ca: ca.certPath }
    expect(await outcome('verify-full', 'server', settings, '127.0.0.1')).toBe('ok')
    expect(await outcome('verify-full', 'server', settings, '::1')).toBe('ok')
    expect(await outcome('verify-full', 'server', settings, '127.0.0.2')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    expect(await outcome('verify-full', 'server', settings, 'elsewhere')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
  })
})

describe('the client’s certificate', () => {
  const wanting = async () => {
    const { server, ca } = await certificates()
    // The handshake of TLS 1.3 ends for the client before the server has judged; 1.2 tells at once.
    return serving(server, {
      requestCert: true,
      rejectUnauthorized: true,
      ca: ca.cert,
      maxVersion: 'TLSv1.2',
    })
  }

  test('is given where it is asked for', async () => {
    const { client } = await certificates()
    const settings = { cert: client.certPath, key: client.keyPath }
    const { starting } = await secure('require', await wanting(), { settings })
    await starting
  })

  test('is given with its key decrypted by the password', async () => {
    const { client } = await certificates()
    const key = join(tempFolder('tls'), 'key.pem')
    const { createPrivateKey } = await import('node:crypto')
    const { readFileSync, writeFileSync } = await import('node:fs')
    writeFileSync(
      key,
      createPrivateKey(readFileSync(client.keyPath)).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'open-sesame',
      }),
    )
    const settings = { cert: client.certPath, key }
    const { starting } = await secure('require', await wanting(), {
      settings: { ...settings, keyPassword: new Secret('open-sesame') },
    })
    await starting
    const wrong = await secure('require', await wanting(), {
      settings: { ...settings, keyPassword: new Secret('wrong') },
    })
    await expect(wrong.starting).rejects.toThrow()
  })

  test('is missed by a server that wants one', async () => {
    const { starting } = await secure('require', await wanting())
    await expect(starting).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_SSL_.*ALERT|ECONNRESET/),
    })
  })
})

describe('the name of the server', () => {
  const nameTold = async (host: string, sni = true) => {
    const { server } = await certificates()
    let told: unknown = 'nothing yet'
    let tell = () => {}
    const done = new Promise<void>(resolve => {
      tell = resolve
    })
    const options = {
      ALPNCallback: ({ servername }: { servername: string }) => {
        told = servername
        tell()
        return 'x'
      },
    }
    const { starting } = await secure('require', serving(server, options), {
      host,
      alpn: 'x',
      settings: { sni },
    })
    await starting
    await done
    return told
  }

  test('is told to it', async () => expect(await nameTold('localhost')).toBe('localhost'))
  test('is not told where the settings say so', async () =>
    expect(await nameTold('localhost', false)).toBeFalsy())
  test.each(['127.0.0.1', '::1'])('is no address: %s', async host => expect(await nameTold(host)).toBeFalsy())
})

test('the application protocol is agreed on', async () => {
  const { server } = await certificates()
  const { starting } = await secure('require', serving(server, { ALPNProtocols: ['postgresql'] }), {
    alpn: 'postgresql',
  })
  expect(((await starting) as TLSSocket).alpnProtocol).toBe('postgresql')
})

describe('a file that cannot be read', () => {
  test.each([
    ['ca', 'sslrootcert'],
    ['cert', 'sslcert'],
    ['key', 'sslkey'],
  ] as const)('for %s is a mistake of the configuration that names %s', async (key, setting) => {
    const path = join(tempFolder('tls'), 'none.pem')
    const { client } = await certificates()
    const settings = { cert: client.certPath, [key]: path }
    const call = secure('verify-full', peer => peer.hang(), { settings })
    await expect(call).rejects.toThrow(ProbeError)
    await expect(call).rejects.toMatchObject({
      finding: {
        reason: 'client-misuse',
        code: 'ENOENT',
        message: `${setting}: ${path} cannot be read (ENOENT)`,
        advice: `Name a readable file with ${setting}.`,
      },
    })
  })

  test('because it is a folder is told so', async () => {
    const call = secure('verify-full', peer => peer.hang(), { settings: { ca: tempFolder('tls') } })
    await expect(call).rejects.toMatchObject({ finding: { code: 'EISDIR' } })
  })

  test('for an authority that nobody checks is not missed', async () => {
    expect(await outcome('prefer', 'server', { ca: '/nowhere/ca.pem' })).toBe('ok')
  })
})

describe('the handshake', () => {
  test('with a port that answers in plain text is a failure of TLS', async () => {
    const { starting } = await secure('require', async peer => {
      await peer.readSome()
      await peer.send('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    await expect(starting).rejects.toMatchObject({
      code: expect.stringMatching(/ERR_SSL_WRONG_VERSION_NUMBER|EPROTO/),
    })
  })

  test('with a mute peer ends with the signal, and closes the socket', async () => {
    const controller = new AbortController()
    const { starting, peer } = await secure('require', connection => connection.hang(), {
      signal: controller.signal,
    })
    await (await peer.waitForConnection()).readSome()
    const reason = new Error('the deadline')
    controller.abort(reason)
    await expect(starting).rejects.toBe(reason)
    await untilClosed(() => peer.open)
  })

  test('does not begin after the signal', async () => {
    const peer = await startPeer(connection => connection.hang())
    closing.push(() => peer.close())
    const { socket } = await dial([{ address: peer.host, port: peer.port }], new AbortController().signal)
    const reason = new Error('too late')
    const tls: TlsSettings = { mode: 'require', sni: true, direct: false }
    await expect(
      startTls(socket, { tls, host: 'localhost', signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason)
    await untilClosed(() => peer.open)
  })
})

async function untilClosed(count: () => number): Promise<void> {
  while (count() > 0) await new Promise(resolve => setImmediate(resolve))
}
