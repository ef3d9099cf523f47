import { createHash } from 'node:crypto'

/**
 * Signatures of MariaDB's client_ed25519: those of RFC 8032, section 5.1.6, but with a password of any length in
 * place of a key of 32 bytes, which is why node:crypto cannot make them. Not in constant time: it signs a server's
 * nonce once a login.
 */

const P = 2n ** 255n - 19n
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n
const BASE: Point = ofAffine(
  15112221349535400772501151409588531511454012693041857206046113283949847762202n,
  46316835694926478169428394003475163141307993866256225615783033603165251855960n,
)

/** Extended coordinates: x = X/Z, y = Y/Z, T = XY/Z. */
interface Point {
  readonly x: bigint
  readonly y: bigint
  readonly z: bigint
  readonly t: bigint
}

function ofAffine(x: bigint, y: bigint): Point {
  return { x, y, z: 1n, t: mod(x * y) }
}

function mod(a: bigint, m = P): bigint {
  const r = a % m
  return r < 0n ? r + m : r
}

/** RFC 8032, section 5.1.4; complete, so that it doubles, too. */
function add(p: Point, q: Point): Point {
  const a = (p.y - p.x) * (q.y - q.x)
  const b = (p.y + p.x) * (q.y + q.x)
  const c = 2n * D * mod(p.t * q.t)
  const d = 2n * p.z * q.z
  const [e, f, g, h] = [mod(b - a), mod(d - c), mod(d + c), mod(b + a)]
  return { x: mod(e * f), y: mod(g * h), z: mod(f * g), t: mod(e * h) }
}

function multiply(n: bigint): Point {
  let sum = ofAffine(0n, 1n)
  let power = BASE
  for (let left = n; left > 0n; left >>= 1n) {
    if (left & 1n) sum = add(sum, power)
    power = add(power, power)
  }
  return sum
}

function inverse(a: bigint): bigint {
  let result = 1n
  let power = mod(a)
  for (let left = P - 2n; left > 0n; left >>= 1n) {
    if (left & 1n) result = mod(result * power)
    power = mod(power * power)
  }
  return result
}

const toBytes = (n: bigint): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((n >> BigInt(8 * i)) & 0xffn))

const toNumber = (bytes: Uint8Array): bigint => bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n)

function encode({ x, y, z }: Point): Uint8Array {
  const scale = inverse(z)
  return toBytes(mod(y * scale) | ((mod(x * scale) & 1n) << 255n))
}

const sha512 = (...parts: Uint8Array[]): Uint8Array =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha512')).digest()

const hashed = (...parts: Uint8Array[]): bigint => mod(toNumber(sha512(...parts)), ORDER)

/** 64 bytes. Source: MariaDB's plugin/auth_ed25519/ref10/sign.c. */
export function signEd25519(password: Uint8Array, nonce: Uint8Array): Uint8Array {
  const secret = sha512(password)
  const clamped = (toNumber(secret.subarray(0, 32)) & (2n ** 254n - 8n)) | (1n << 254n)
  const r = hashed(secret.subarray(32), nonce)
  const commitment = encode(multiply(r))
  const challenge = hashed(commitment, encode(multiply(clamped)), nonce)
  return Uint8Array.of(...commitment, ...toBytes(mod(r + challenge * clamped, ORDER)))
}
