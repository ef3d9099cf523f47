import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { signEd25519 } from './ed25519.js'

const hex = (text: string) => Buffer.from(text, 'hex')

// RFC 8032, section 7.1: tests 1, 2, 3, and SHA(abc).
test.each([
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
])('a key of 32 bytes signs as RFC 8032 says: %s', (secret, message, signature) => {
  expect(Buffer.from(signEd25519(hex(secret), hex(message))).toString('hex')).toBe(signature)
})

test('what it signs is verified by another implementation', () => {
  for (let i = 0; i < 8; i++) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const secret = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32)
    const message = createHash('sha256').update(String(i)).digest()
    expect(
      verify(
        null,
        message,
        createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })),
        signEd25519(secret, message),
      ),
    ).toBe(true)
  }
})

test('another password or another nonce gives another signature, of 64 bytes', () => {
  const signatures = [
    ['', 'nonce'],
    ['a', 'nonce'],
    ['a', 'another'],
    ['x'.repeat(200), 'nonce'],
  ].map(([password, nonce]) =>
    Buffer.from(signEd25519(Buffer.from(password ?? ''), Buffer.from(nonce ?? ''))).toString('hex'),
  )
  expect(new Set(signatures).size).toBe(4)
  expect(signatures.map(it => it.length)).toEqual([128, 128, 128, 128])
})
