import { constants, createHash, publicEncrypt } from 'node:crypto'
import { type Link, ProbeError } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import { cstring, decode, utf8 } from '../../wire/mysql.js'

/** What a method of authentication has to work with. */
export interface Setting {
  readonly target: Target
  readonly link: Link
  readonly password: string
  readonly nonce: Uint8Array
}

/** A plugin's part of a login. */
export interface Method {
  /** What answers the nonce. Throws where that would give the password away. */
  first(setting: Setting): Uint8Array | Promise<Uint8Array>
  /** What answers more that the server says; undefined where nothing does. */
  more?(setting: Setting, data: Uint8Array): Uint8Array | undefined
  /** True where `first` shows nothing of the password: only then it is used before the server asks. */
  readonly scrambles: boolean
}

const hash = (name: string, ...parts: Uint8Array[]): Uint8Array =>
  parts.reduce((it, part) => it.update(part), createHash(name)).digest()

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ (b[i % b.length] ?? 0))

/** A nonce ends in a zero byte that is no part of it. */
function salt({ nonce }: Setting): Uint8Array {
  if (nonce.length >= 20) return nonce.subarray(0, 20)
  throw new ProbeError({
    reason: 'protocol-mismatch',
    message: `the server sent ${nonce.length} bytes to make a scramble with, instead of 20`,
  })
}

/**
 * TLS, verified or not, or a Unix socket: who listens reads nothing here. Whoever answers TLS without being verified
 * does read it, and no other way is left: under TLS a server takes the password itself and no RSA, as MySQL's own
 * clients send it. Source: sha256_password_authenticate() and caching_sha2_password_authenticate() in MySQL's
 * sql/auth/sql_authentication.cc, sha2_password.cc.
 */
const isEncrypted = ({ link }: Setting): boolean => link.secure || link.address === 'unix'

const NO_PASSWORD = Uint8Array.of(0)

const isOn = ({ target }: Setting, parameter: string): boolean =>
  /^(true|1|yes|on)$/i.test(target.params.get(parameter)?.reveal() ?? '')

/** mysql_native_password. Source: MySQL's sql-common/password.c. */
const native: Method = {
  scrambles: true,
  first(setting) {
    if (!setting.password) return new Uint8Array()
    const once = hash('sha1', utf8(setting.password))
    return xor(once, hash('sha1', salt(setting), hash('sha1', once)))
  },
}

const ASK_FOR_KEY = { caching: 2, plain: 1 }
const FAST_OK = 3
const IN_FULL = 4

/** caching_sha2_password. Source: MySQL's sql-common/client_authentication.cc. */
const cachingSha2: Method = {
  scrambles: true,
  first(setting) {
    if (!setting.password) return NO_PASSWORD
    const once = hash('sha256', utf8(setting.password))
    return xor(once, hash('sha256', hash('sha256', once), salt(setting)))
  },
  more(setting, data) {
    if (data.length > 1) return encrypted(setting, data)
    if (data[0] === FAST_OK) return undefined
    if (data[0] !== IN_FULL) throw strange('caching_sha2_password')
    if (isEncrypted(setting)) return cstring(setting.password)
    guardKey(setting)
    return Uint8Array.of(ASK_FOR_KEY.caching)
  },
}

/** sha256_password: the same without the scramble. */
const sha256: Method = {
  scrambles: false,
  first(setting) {
    if (!setting.password) return NO_PASSWORD
    if (isEncrypted(setting)) return cstring(setting.password)
    guardKey(setting)
    return Uint8Array.of(ASK_FOR_KEY.plain)
  },
  more: (setting, data) => encrypted(setting, data),
}

/**
 * mysql_clear_password: PAM, LDAP. The parameter enableCleartextPlugin is about this method alone. A peer that is not
 * verified can ask by the sha256 methods instead: only verify-ca and verify-full keep the password from it.
 */
const clear: Method = {
  scrambles: false,
  first(setting) {
    const { mode } = setting.target.tls
    const verified = setting.link.secure && mode.startsWith('verify-')
    if (
      setting.link.address === 'unix' ||
      verified ||
      (setting.link.secure && isOn(setting, 'enableCleartextPlugin'))
    )
      return cstring(setting.password)
    throw new ProbeError({
      reason: 'client-misuse',
      message: `the server asks for the password in clear text, ${setting.link.secure ? 'and its certificate was not verified' : 'without TLS'}`,
      advice: setting.link.secure
        ? 'Use sslmode=verify-full; enableCleartextPlugin=true sends it all the same.'
        : 'Use sslmode=verify-full, or an account with caching_sha2_password.',
    })
  },
}

/** MariaDB's client_ed25519. */
const ed25519: Method = {
  scrambles: false,
  async first({ password, nonce }) {
    if (!password) return new Uint8Array()
    // Loaded when it is needed: it is big, and few accounts have it.
    const { signEd25519 } = await import('./ed25519.js')
    return signEd25519(utf8(password), nonce.subarray(0, 32))
  },
}

export const METHODS: ReadonlyMap<string, Method> = new Map([
  ['mysql_native_password', native],
  ['caching_sha2_password', cachingSha2],
  ['sha256_password', sha256],
  ['mysql_clear_password', clear],
  ['client_ed25519', ed25519],
])

/** Without TLS: a key that nobody vouches for may be that of whoever sits in between, who could then read the password. */
function guardKey(setting: Setting): void {
  if (setting.link.local || isOn(setting, 'allowPublicKeyRetrieval')) return
  throw new ProbeError({
    reason: 'client-misuse',
    message: 'the server wants the password encrypted with its own public key, without TLS, over the network',
    advice:
      'Use sslmode=verify-full (require keeps the password from who listens, not from who sits in between); allowPublicKeyRetrieval=true trusts the key that comes over the network.',
  })
}

/** The password under the server's public key. Source: "Caching_sha2_password information", step 5. */
function encrypted(setting: Setting, pem: Uint8Array): Uint8Array {
  // Nobody sends a key who was not asked for one.
  if (isEncrypted(setting) || !setting.password) throw strange('the public key')
  guardKey(setting)
  const secret = xor(cstring(setting.password), salt(setting))
  try {
    return publicEncrypt({ key: decode(pem), padding: constants.RSA_PKCS1_OAEP_PADDING }, secret)
  } catch {
    throw strange('the public key')
  }
}

const strange = (what: string): ProbeError =>
  new ProbeError({ reason: 'protocol-mismatch', message: `${what}: the server's answer is none` })

/** For a method that holdfast does not speak. */
export const unknownMethod = (plugin: string): ProbeError =>
  new ProbeError({
    reason: 'client-misuse',
    message: `the server asks for ${plugin.slice(0, 64) || 'the passwords of MySQL 4.0'}, which a probe cannot answer`,
    advice: 'Use an account with caching_sha2_password, mysql_native_password or ed25519.',
  })
