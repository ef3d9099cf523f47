/** Keys and credentials of NATS, as nsc makes them. Source: github.com/nats-io/nkeys and jwt. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'

const PREFIX = { operator: 14 << 3, account: 0, user: 20 << 3 }
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

export interface Nkey {
  readonly public: string
  readonly seed: string
  readonly key: KeyObject
}

export function nkey(kind: keyof typeof PREFIX): Nkey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const prefix = PREFIX[kind]
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32)
  const head = Buffer.of((18 << 3) | (prefix >> 5), (prefix & 31) << 3)
  return {
    public: checked(Buffer.concat([Buffer.of(prefix), raw])),
    seed: checked(Buffer.concat([head, secret])),
    key: privateKey,
  }
}

/** Base32 of the bytes and their CRC-16/XMODEM. */
function checked(body: Buffer): string {
  const crc = Buffer.alloc(2)
  crc.writeUInt16LE(
    body.reduce((sum, byte) => {
      let next = sum ^ (byte << 8)
      for (let i = 0; i < 8; i++) next = ((next << 1) ^ (next & 0x8000 ? 0x1021 : 0)) & 0xffff
      return next
    }, 0),
  )
  const bits = [...body, ...crc].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const letters = bits.match(/.{1,5}/g) ?? []
  return letters.map(five => ALPHABET[Number.parseInt(five.padEnd(5, '0'), 2)]).join('')
}

function jwt(issuer: Nkey, subject: Nkey, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    jti: randomUUID(),
    iat: 1_700_000_000,
    iss: issuer.public,
    sub: subject.public,
    name: 'app',
  }
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...claims, nats: { version: 2, ...nats } })}`
  return `${text}.${sign(null, Buffer.from(text), issuer.key).toString('base64url')}`
}

/** An operator with one account and one user: what the server is to be told, and the user's file. */
export function natsCreds(): { settings: Record<string, unknown>; creds: string; jwt: string } {
  const [operator, account, user] = [nkey('operator'), nkey('account'), nkey('user')]
  const none = { subs: -1, data: -1, payload: -1 }
  const limits = { ...none, conn: -1, leaf: -1, imports: -1, exports: -1, wildcards: true }
  const token = jwt(account, user, { type: 'user', ...none, pub: {}, sub: {} })
  return {
    jwt: token,
    settings: {
      operator: jwt(operator, operator, { type: 'operator' }),
      resolver: 'MEMORY',
      resolver_preload: {
        [account.public]: jwt(operator, account, { type: 'account', limits }),
      },
    },
    creds: [
      '-----BEGIN NATS USER JWT-----',
      token,
      '------END NATS USER JWT------',
      '',
      '-----BEGIN USER NKEY SEED-----',
      user.seed,
      '------END USER NKEY SEED------',
      '',
    ].join('\n'),
  }
}
