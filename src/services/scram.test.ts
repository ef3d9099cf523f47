import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tempFolder } from '../../test/support/root.js'
import { runOk } from '../../test/support/run.js'
import { endPointBinding, Scram, ScramError, saslPrep } from './scram.js'

/** The example of RFC 7677, section 3: user `user`, password `pencil`. */
const RFC = {
  nonce: 'rOprNGfwEbeRWgbNEkqO',
  first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  challenge: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  final:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  proof: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
}

const example = (password = 'pencil') => new Scram(password, undefined, RFC.nonce, 'user')

/** A challenge that extends the nonce of the client. */
const challenge = ({ nonce = 'NONCE', more = 'more', salt = 'c2FsdA==', rounds = '1' } = {}) =>
  `r=${nonce}${more},s=${salt},i=${rounds}`
const client = (password = 'pw') => new Scram(password, undefined, 'NONCE')

describe('the exchange of RFC 7677', () => {
  test('begins, answers and verifies byte for byte', async () => {
    const scram = example()
    expect(scram.mechanism).toBe('SCRAM-SHA-256')
    expect(scram.first).toBe(RFC.first)
    expect(await scram.final(RFC.challenge)).toBe(RFC.final)
    expect(scram.proven).toBe(false)
    scram.verify(RFC.proof)
    expect(scram.proven).toBe(true)
  })

  test('gives another proof for another password', async () => {
    expect(await example('pencils').final(RFC.challenge)).not.toBe(RFC.final)
  })
})

describe('the exchange of RFC 5802 with SHA-1', () => {
  /** The example of its section 5: user `user`, password `pencil`. */
  const sha1 = (leastRounds: number) =>
    new Scram('pencil', undefined, 'fyko+d2lbbFgONRv9qkxdawL', 'user', {
      hash: 'sha1',
      leastRounds,
      prepares: true,
    })
  const challenge = 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096'

  test('is the same but for the hash', async () => {
    const scram = sha1(4096)
    expect(scram.mechanism).toBe('SCRAM-SHA-1')
    expect(await scram.final(challenge)).toBe(
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    )
    scram.verify('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=')
    expect(scram.proven).toBe(true)
  })

  test('is refused with fewer rounds than asked for', async () => {
    await expect(sha1(4097).final(challenge)).rejects.toThrow('iteration count "4096" is out of bounds')
  })
})

test('a comma and an equals sign in a user name are escaped', () => {
  expect(new Scram('pw', undefined, 'NONCE', 'a=b,c').first).toBe('n,,n=a=3Db=2Cc,r=NONCE')
})

test('a password is not prepared for a server that does not prepare it', async () => {
  const kind = { hash: 'sha512', leastRounds: 1, prepares: false } as const
  const proof = (password: string) => new Scram(password, undefined, 'NONCE', '', kind).final(challenge())
  expect(await proof('\u2168')).not.toBe(await proof('IX'))
})

describe('a server is not trusted', () => {
  const verifying = async (answer: string) => {
    const scram = example()
    await scram.final(RFC.challenge)
    try {
      scram.verify(answer)
    } finally {
      expect(scram.proven).toBe(false)
    }
  }

  test.each([
    'v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4AAAAA',
    'v=6rri',
    'v=',
    '',
  ])('with a wrong signature, %j', async answer => {
    await expect(verifying(answer)).rejects.toThrow('could not prove that it knows the password')
  })

  test('that ends the exchange with an error', async () => {
    await expect(verifying('e=other-error')).rejects.toThrow('the server ended the exchange: other-error')
  })

  test('that proves before it was asked to', () => {
    expect(() => example().verify(RFC.proof)).toThrow(ScramError)
    expect(() => client().verify('v=')).toThrow(ScramError)
  })

  test.each([
    ['with another nonce', { nonce: 'OTHER' }],
    ['with the nonce as it was', { more: '' }],
    ['with a part of the nonce', { nonce: 'NON', more: '' }],
  ])('%s', async (_, made) => {
    await expect(client().final(challenge(made))).rejects.toThrow('did not extend the nonce')
  })

  test.each(['0', '-1', '1000001', '99999999999', '', 'x', '1e3', '4096.5', ' 1'])(
    'with %j rounds',
    async rounds => {
      await expect(client().final(challenge({ rounds }))).rejects.toThrow(`iteration count "${rounds}"`)
    },
  )

  test('without a salt', async () => {
    await expect(client().final(challenge({ salt: '' }))).rejects.toThrow('no salt')
  })

  test('whatever it says', async () => {
    const part = fc.oneof(fc.constantFrom('r=NONCEx', 's=c2FsdA==', 'i=1', 'v=', 'e=', ',', '='), fc.string())
    await fc.assert(
      fc.asyncProperty(fc.array(part), async parts => {
        const scram = client()
        await expect(
          (async () => {
            await scram.final(parts.join(','))
            scram.verify(parts.join(','))
          })(),
        ).rejects.toThrow(ScramError)
      }),
    )
  })
})

test('a single round is enough for an exchange, as servers may be set up', async () => {
  expect(await client().final(challenge({ rounds: '1' }))).toMatch(/^c=biws,r=NONCEmore,p=.{44}$/)
})

test('every exchange has a nonce of its own', () => {
  expect(new Scram('pw').first).not.toBe(new Scram('pw').first)
  expect(new Scram('pw').first).toMatch(/^n,,n=,r=[A-Za-z0-9+/]{24}$/)
})

test('with channel binding the header and the certificate’s digest are part of what is proven', async () => {
  const data = Uint8Array.of(1, 2, 3)
  const scram = new Scram('pw', { data }, 'NONCE')
  expect(scram.mechanism).toBe('SCRAM-SHA-256-PLUS')
  expect(scram.first).toBe('p=tls-server-end-point,,n=,r=NONCE')
  const answer = await scram.final(challenge())
  const bound = Buffer.concat([Buffer.from('p=tls-server-end-point,,'), data]).toString('base64')
  expect(answer).toMatch(new RegExp(`^c=${bound},r=NONCEmore,p=`))
  expect(answer).not.toBe(await new Scram('pw', { data: Uint8Array.of(9) }, 'NONCE').final(challenge()))
})

describe('a password is prepared', () => {
  test.each([
    ['I\u00adX', 'IX'],
    ['user', 'user'],
    ['USER', 'USER'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
  ])('as in the examples of RFC 4013: %j', (password, prepared) => expect(saslPrep(password)).toBe(prepared))

  test.each([
    ['a\u00a0b', 'a b'],
    ['a\u3000b\u2003c', 'a b c'],
    ['a\u200db\ufeff\ufe0f', 'ab'],
    ['e\u0301', 'é'],
    ['ﬁ', 'fi'],
    ['🔑', '🔑'],
  ])('with spaces mapped, invisible signs left out, and composed: %j', (password, prepared) =>
    expect(saslPrep(password)).toBe(prepared),
  )

  test.each(['\u0007ﬁ', 'ﬁ\u007f', 'ﬁ\ue000', 'ﬁ\ufffd', 'ﬁ\ud800', '\u00ad', ''])(
    'not at all where it holds what is prohibited, or nothing else: %j',
    password => expect(saslPrep(password)).toBe(password),
  )

  test('to what stays the same when it is prepared again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), password => {
        expect(saslPrep(saslPrep(password))).toBe(saslPrep(password))
      }),
    )
  })

  test('before it is used', async () => {
    const proof = (password: string) => client(password).final(challenge())
    expect(await proof('\u2168')).toBe(await proof('IX'))
  })
})

describe('the end-point binding', () => {
  /** A certificate in DER, and what openssl says is its digest by `digest`. */
  async function certificate(key: readonly string[], signature: string, digest: string) {
    const folder = tempFolder('scram')
    const [pem, der] = [join(folder, 'cert.pem'), join(folder, 'cert.der')]
    const files = ['-keyout', join(folder, 'key.pem'), '-out', pem]
    const names = ['-nodes', '-batch', '-subj', `/CN=${'x'.repeat(60)}`, '-days', '1']
    await runOk('openssl', ['req', '-x509', '-newkey', ...key, `-${signature}`, ...names, ...files])
    await runOk('openssl', ['x509', '-in', pem, '-outform', 'der', '-out', der])
    const said = await runOk('openssl', ['x509', '-in', pem, '-noout', '-fingerprint', `-${digest}`])
    return { bytes: readFileSync(der), digest: said.split('=')[1]?.trim().replaceAll(':', '').toLowerCase() }
  }

  const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const RSA = ['rsa:2048']
  test.each([
    ['RSA', RSA, 'sha256', 'sha256'],
    ['RSA', RSA, 'sha384', 'sha384'],
    ['RSA', RSA, 'sha512', 'sha512'],
    ['RSA', RSA, 'sha1', 'sha256'],
    ['ECDSA', EC, 'sha256', 'sha256'],
    ['ECDSA', EC, 'sha384', 'sha384'],
    ['ECDSA', EC, 'sha512', 'sha512'],
  ] as const)('to a certificate signed with %s and %s', async (_, key, signature, digest) => {
    const made = await certificate(key, signature, digest)
    expect(Buffer.from(endPointBinding(made.bytes).data).toString('hex')).toBe(made.digest)
  })

  test('to what is no certificate is some digest all the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), bytes => {
        expect([32, 48, 64]).toContain(endPointBinding(bytes).data.length)
      }),
    )
  })
})
