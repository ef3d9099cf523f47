import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'

/** What CONNECT says of who asks. */
export type Login = Readonly<Partial<Record<'user' | 'pass' | 'auth_token' | 'jwt' | 'nkey' | 'sig', string>>>

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** Prefixes of nkeys. Source: github.com/nats-io/nkeys, strkey. */
const SEED = 18 << 3
const USER = 20 << 3

/** How PKCS #8 begins for an Ed25519 key whose 32 bytes follow. Source: RFC 8410. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

const misuse = (message: string, advice: string): ProbeError =>
  new ProbeError({ reason: 'client-misuse', message, advice })

/**
 * The login of a target: `user:password`, a user alone as token, `nkey=SEED`, or `creds=FILE` with a JWT and its
 * seed.
 * @throws ProbeError (client-misuse) where a seed or file is not what it should be.
 */
export function loginOf({ user, password, params }: Target, nonce: string | undefined): Login {
  const [creds, nkey] = [params.get('creds')?.reveal(), params.get('nkey')?.reveal()]
  if (creds) {
    const { jwt, seed } = readCreds(creds)
    return { jwt, sig: signed(keyOf(seed, 'creds'), nonce) }
  }
  if (nkey) {
    const key = keyOf(nkey, 'nkey')
    return { nkey: publicOf(key), sig: signed(key, nonce) }
  }
  if (user && password) return { user, pass: password.reveal() }
  const token = user ?? password?.reveal()
  return token ? { auth_token: token } : {}
}

function signed(key: KeyObject, nonce: string | undefined): string {
  if (nonce === undefined)
    throw misuse(
      'the server sends no nonce to sign: it takes no nkeys',
      'Leave out creds and nkey, or check that it is the server that you mean.',
    )
  return sign(null, Buffer.from(nonce), key).toString('base64url')
}

/** A file as `nsc generate creds` writes it. */
function readCreds(path: string): { jwt: string; seed: string } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw misuse(`creds: ${path} cannot be read (${code})`, 'Name a readable file with creds.')
  }
  const part = (name: string) =>
    new RegExp(`-{3,} *BEGIN ${name} *-{3,}\\s+(\\S+)\\s+-{3,} *END ${name} *-{3,}`).exec(text)?.[1]
  const [jwt, seed] = [part('NATS USER JWT'), part('USER NKEY SEED')]
  if (jwt && seed) return { jwt, seed }
  throw misuse(
    `creds: ${path} lacks ${jwt ? 'the seed of a user' : 'the JWT of a user'}`,
    'Write it with nsc generate creds.',
  )
}

function keyOf(seed: string, setting: string): KeyObject {
  const raw = unbase32(seed)
  const type = (((raw[0] ?? 0) & 7) << 5) | (((raw[1] ?? 0) & 0xf8) >> 3)
  const whole = raw.length === 36 && crc16(raw.subarray(0, 34)) === raw.readUInt16LE(34)
  if (!whole || ((raw[0] ?? 0) & 0xf8) !== SEED || type !== USER)
    throw misuse(
      `${setting}: it holds no seed of a user`,
      'A seed of a user has 58 letters and begins with SU.',
    )
  return createPrivateKey({ key: Buffer.concat([PKCS8, raw.subarray(2, 34)]), format: 'der', type: 'pkcs8' })
}

function publicOf(key: KeyObject): string {
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32)
  const body = Buffer.concat([Buffer.of(USER), raw])
  const check = Buffer.alloc(2)
  check.writeUInt16LE(crc16(body))
  return base32(Buffer.concat([body, check]))
}

/** CRC-16/XMODEM. */
function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let i = 0; i < 8; i++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc
}

/** Base32 without padding. Source: RFC 4648, section 6. */
function base32(bytes: Uint8Array): string {
  let [text, bits, held] = ['', 0, 0]
  for (const byte of bytes) {
    held = (held << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31]
    held &= (1 << bits) - 1
  }
  return bits > 0 ? text + ALPHABET[(held << (5 - bits)) & 31] : text
}

function unbase32(text: string): Buffer {
  const bytes: number[] = []
  let [bits, held] = [0, 0]
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return Buffer.alloc(0)
    held = (held << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes.push((held >> bits) & 255)
      held &= (1 << bits) - 1
    }
  }
  return Buffer.from(bytes)
}
