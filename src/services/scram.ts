import { createHash, createHmac, pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)
/** More rounds than any server asks for; a hostile one could ask for hours. */
const MAX_ITERATIONS = 1_000_000

/** So many take a millisecond here, and two on another thread, which has to be started; 4096 is the default. */
const QUICK_ITERATIONS = 10_000

const BYTES = { sha1: 20, sha256: 32, sha512: 64 } as const

export class ScramError extends Error {
  override readonly name = 'ScramError'
}

/** What binds the exchange to the TLS session: the hash of the server's certificate (RFC 5929, section 4). */
export interface Binding {
  readonly data: Uint8Array
}

/** What servers of one kind agree on. */
export interface ScramKind {
  readonly hash: 'sha1' | 'sha256' | 'sha512'
  /** Fewer rounds are refused. */
  readonly leastRounds: number
  /** False where the server hashes a password as it is, without SASLprep. */
  readonly prepares: boolean
}

const SHA_256: ScramKind = { hash: 'sha256', leastRounds: 1, prepares: true }

/** The client's side of SCRAM (RFC 5802, RFC 7677), SCRAM-SHA-256 by default. PostgreSQL ignores the user name in it. */
export class Scram {
  readonly mechanism: string
  readonly #header: string
  readonly #bare: string
  #expected: Buffer | undefined
  /** True once the server has proven that it knows the password. */
  proven = false

  constructor(
    private readonly password: string,
    private readonly binding?: Binding,
    private readonly nonce = randomBytes(18).toString('base64'),
    user = '',
    private readonly kind = SHA_256,
  ) {
    const name = `SCRAM-SHA-${kind.hash.slice(3)}`
    this.mechanism = binding ? `${name}-PLUS` : name
    this.#header = binding ? 'p=tls-server-end-point,,' : 'n,,'
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  }

  get first(): string {
    return this.#header + this.#bare
  }

  /** Answers the server's challenge. */
  async final(challenge: string): Promise<string> {
    const { r = '', s = '', i = '' } = attributes(challenge)
    const iterations = Number(i)
    if (!r.startsWith(this.nonce) || r.length === this.nonce.length)
      throw new ScramError('the server did not extend the nonce')
    if (!/^\d+$/.test(i) || iterations < this.kind.leastRounds || iterations > MAX_ITERATIONS)
      throw new ScramError(`iteration count "${i}" is out of bounds`)
    const salt = Buffer.from(s, 'base64')
    if (salt.length === 0) throw new ScramError('the server sent no salt')
    const { hash, prepares } = this.kind
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()
    const secret = prepares ? saslPrep(this.password) : this.password
    const key = [secret, salt, iterations, BYTES[hash], hash] as const
    const salted = iterations <= QUICK_ITERATIONS ? pbkdf2Sync(...key) : await derive(...key)
    const clientKey = hmac(salted, 'Client Key')
    const storedKey = createHash(hash).update(clientKey).digest()
    const bound = Buffer.concat([Buffer.from(this.#header), this.binding?.data ?? Buffer.alloc(0)])
    const unproven = `c=${bound.toString('base64')},r=${r}`
    const exchange = `${this.#bare},${challenge},${unproven}`
    const signature = hmac(storedKey, exchange)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
    this.#expected = hmac(hmac(salted, 'Server Key'), exchange)
    return `${unproven},p=${proof.toString('base64')}`
  }

  /** Throws unless the server proves that it knows the password, too. */
  verify(answer: string): void {
    const { v = '', e } = attributes(answer)
    if (e) throw new ScramError(`the server ended the exchange: ${e}`)
    const given = Buffer.from(v, 'base64')
    if (
      !this.#expected ||
      given.length !== this.#expected.length ||
      !timingSafeEqual(given, this.#expected)
    ) {
      throw new ScramError('the server could not prove that it knows the password')
    }
    this.proven = true
  }
}

function attributes(text: string): Record<string, string> {
  return Object.fromEntries(text.split(',').map(part => [part.slice(0, 1), part.slice(2)]))
}

/** SASLprep (RFC 4013). A password with prohibited characters, or of nothing else, is used as it is, as libpq does. */
export function saslPrep(password: string): string {
  return /^[\x20-\x7e]*$/.test(password) ? password : prepared(password)
}

/** Apart, because the classes of Unicode take longer to compile than the rest of the exchange. */
function prepared(password: string): string {
  const mapped = password
    .replace(/[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g, ' ')
    .replace(/\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200c\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/g, '')
    .normalize('NFKC')
  return /^$|[\p{Cc}\p{Co}\p{Cs}\p{Cn}\ufff9-\ufffd]/u.test(mapped) ? password : mapped
}

/** The digest of a certificate for tls-server-end-point: its signature's hash, SHA-256 where that is weaker. */
export function endPointBinding(certificate: Uint8Array): Binding {
  return { data: createHash(signatureHash(certificate)).update(certificate).digest() }
}

/** The object identifiers of sha384/sha512 signatures with RSA and ECDSA. */
const HASHES: Readonly<Record<string, string>> = {
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
}

function signatureHash(der: Uint8Array): string {
  const outer = element(der, 0)
  const body = element(der, outer.start)
  const algorithm = element(der, body.end)
  const identifier = element(der, algorithm.start)
  return HASHES[Buffer.from(der.subarray(identifier.start, identifier.end)).toString('hex')] ?? 'sha256'
}

function element(der: Uint8Array, at: number): { start: number; end: number } {
  const first = der[at + 1] ?? 0
  const count = first & 0x80 ? first & 0x7f : 0
  let size = count ? 0 : first
  for (let i = 0; i < count; i++) size = size * 256 + (der[at + 2 + i] ?? 0)
  return { start: at + 2 + count, end: at + 2 + count + size }
}
