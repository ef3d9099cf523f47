import { expect, test } from 'vitest'
import { Secret } from '../../core/redact.js'
import type { Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { TlsMode } from '../../core/tls.js'
import { METHODS, type Setting, unknownMethod } from './methods.js'

interface Place {
  mode?: TlsMode
  secure?: boolean
  address?: string
  local?: boolean
  params?: Record<string, string>
}

const NONCE = Uint8Array.of(10, 47, 74, 111, 75, 73, 34, 48, 88, 76, 114, 74, 37, 13, 3, 80, 82, 2, 23, 21, 0)

function setting(password: string, place: Place = {}, nonce: Uint8Array = NONCE): Setting {
  const { mode = 'prefer', secure = false, address = '10.0.0.7', local = false, params = {} } = place
  return {
    password,
    nonce,
    link: { secure, address, local } as Link,
    target: {
      tls: { mode, sni: true, direct: false },
      params: new Map(Object.entries(params).map(([key, value]) => [key, new Secret(value)])),
    } as unknown as Target,
  }
}

const first = async (plugin: string, it: Setting) =>
  Buffer.from((await METHODS.get(plugin)?.first(it)) ?? []).toString('hex')

const LOCAL: Place = { local: true }
const SOCKET: Place = { address: 'unix', local: true }
const UNVERIFIED: Place = { secure: true, mode: 'require' }
const VERIFIED: Place = { secure: true, mode: 'verify-full' }
const IN_CLEAR = Buffer.from('secret\0').toString('hex')

// The values are those that other drivers' tests have for this nonce.
test.each([
  ['secret', 'f490e76f66d9d86665ce54d98c78d0acfe2fb0b08b423da807144873d30b312c'],
  ['secret2', 'abc3934a012cf342e876071c8ee202de51785b430258a7a0138bc79c4d800bc6'],
])('caching_sha2_password scrambles %s as every client does', async (password, scramble) => {
  expect(await first('caching_sha2_password', setting(password))).toBe(scramble)
})

test.each([
  ['mysql_native_password', ''],
  ['client_ed25519', ''],
  ['caching_sha2_password', '00'],
  ['sha256_password', '00'],
])('%s says of no password that there is none', async (plugin, said) => {
  expect(await first(plugin, setting(''))).toBe(said)
})

test.each([
  ['sha256_password', 'over the network', {}, 'refused'],
  ['sha256_password', 'where the key is trusted', { params: { allowPublicKeyRetrieval: 'true' } }, '01'],
  ['sha256_password', 'to this machine', LOCAL, '01'],
  ['sha256_password', 'over a socket', SOCKET, IN_CLEAR],
  ['sha256_password', 'under TLS', UNVERIFIED, IN_CLEAR],
  ['mysql_clear_password', 'over the network', {}, 'refused'],
  ['mysql_clear_password', 'that is wanted', { params: { enableCleartextPlugin: 'true' } }, 'refused'],
  ['mysql_clear_password', 'to this machine', LOCAL, 'refused'],
  ['mysql_clear_password', 'over a socket', SOCKET, IN_CLEAR],
  ['mysql_clear_password', 'under TLS', UNVERIFIED, 'refused'],
  ['mysql_clear_password', 'under verified TLS', VERIFIED, IN_CLEAR],
  [
    'mysql_clear_password',
    'that is wanted under TLS',
    { ...UNVERIFIED, params: { enableCleartextPlugin: '1' } },
    IN_CLEAR,
  ],
] as const)('%s %s', async (plugin, _, place, said) => {
  const answer = first(plugin, setting('secret', place)).catch(error => {
    expect(error.finding.reason).toBe('client-misuse')
    expect(error.message).not.toContain('secret')
    return 'refused'
  })
  expect(await answer).toBe(said)
})

test.each([
  ['under TLS, verified or not', UNVERIFIED, IN_CLEAR],
  ['over a socket', SOCKET, IN_CLEAR],
  ['to this machine', LOCAL, '02'],
  ['over the network', {}, 'refused'],
  // Under TLS a server takes no RSA, and the parameter is about mysql_clear_password.
  [
    'under TLS, where the key is trusted',
    { ...UNVERIFIED, params: { allowPublicKeyRetrieval: 'true' } },
    IN_CLEAR,
  ],
  [
    'under TLS, without clear passwords',
    { ...UNVERIFIED, params: { enableCleartextPlugin: 'false' } },
    IN_CLEAR,
  ],
])('caching_sha2_password in full %s', (_, place, said) => {
  const answer = () => {
    try {
      return Buffer.from(
        METHODS.get('caching_sha2_password')?.more?.(setting('secret', place), Uint8Array.of(4)) ?? [],
      ).toString('hex')
    } catch (error) {
      expect((error as ProbeError).finding.reason).toBe('client-misuse')
      return 'refused'
    }
  }
  expect(answer()).toBe(said)
})

test('who is refused for want of TLS is told which TLS keeps the password from whom', () => {
  const refused = () => METHODS.get('sha256_password')?.first(setting('secret'))
  expect(refused).toThrow(
    expect.objectContaining({
      finding: expect.objectContaining({
        advice: expect.stringContaining('Use sslmode=verify-full (require'),
      }),
    }),
  )
})

test('a method that nobody knows is named, and no longer than a name is', () => {
  expect(unknownMethod('dialog').message).toContain('asks for dialog,')
  expect(unknownMethod('x'.repeat(60_000)).message.length).toBeLessThan(200)
})

test.each(['mysql_native_password', 'caching_sha2_password'])('%s takes no short nonce', async plugin => {
  const short = first(plugin, setting('secret', {}, NONCE.subarray(0, 8)))
  await expect(short).rejects.toMatchObject({ finding: { reason: 'protocol-mismatch' } })
})

test('a key that was not asked for is not used', () => {
  const more = (place: Place) => () =>
    METHODS.get('caching_sha2_password')?.more?.(
      setting('secret', place),
      Buffer.from('-----BEGIN PUBLIC KEY-----'),
    )
  for (const place of [SOCKET, VERIFIED, {}, LOCAL]) expect(more(place)).toThrow()
})
