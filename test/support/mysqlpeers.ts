/** Scripts of peers that speak MySQL, and that verify what a client proves by themselves. */
import { constants, createHash, generateKeyPairSync, privateDecrypt, randomBytes } from 'node:crypto'
import * as frames from './mysqlframes.js'
import type { PeerConnection, Script } from './peer.js'
import { APP_PASSWORD } from './postgres-cluster.js'

export type MysqlMethod =
  | 'mysql_native_password'
  | 'caching_sha2_password'
  | 'sha256_password'
  | 'mysql_clear_password'

export interface MysqlScript {
  version?: string
  capabilities?: number
  thread?: number
  /** Offers TLS; what follows goes through it. */
  tls?: { cert: string; key: string }
  /** The plugin of the greeting; default that of the account. */
  offers?: string
  /** The account's; default mysql_native_password. */
  method?: MysqlMethod
  /** caching_sha2_password: the account is not in the server's cache, so the scramble is not enough. */
  uncached?: boolean
  /** The public key that is sent instead of the server's own. */
  key?: string
  /** The right password; default that of `app`. */
  password?: string
  /** Takes over after the greeting. */
  afterGreeting?: Script
  /** Takes over after the client's login message, in place of authentication. */
  afterLogin?: (connection: PeerConnection, login: frames.Login, sequence: number) => Promise<void>
  /** Takes over once the client is in. */
  afterAuth?: Script
  /** The packets that answer a statement; default one row with a 1. */
  query?: (text: string, deprecateEof: boolean) => Uint8Array
  /** What the clients sent, in order, is noted here. */
  heard?: { logins: frames.Login[]; statements: string[]; farewells: number; cleartext: string[] }
}

const PAIR = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

export const mysqlErrors = {
  wrongPassword: {
    errno: 1045,
    state: '28000',
    message: "Access denied for user 'app'@'localhost' (using password: YES)",
  },
  tooMany: { errno: 1040, message: 'Too many connections' },
  blocked: {
    errno: 1129,
    message:
      "Host '10.0.0.7' is blocked because of many connection errors; unblock with 'mysqladmin flush-hosts'",
  },
  notAllowed: { errno: 1130, message: "Host '10.0.0.7' is not allowed to connect to this MySQL server" },
  notInCluster: {
    errno: 1047,
    state: '08S01',
    message: 'WSREP has not yet prepared node for application use',
  },
} satisfies Record<string, frames.ErrorFields>

/** Opens with an error, as a server does that does not come to the greeting. */
export const mysqlRefusal = (error: frames.ErrorFields): Script => {
  return connection => connection.send(frames.error(0, error))
}

/** Greets, reads the login and answers with an error. */
export const mysqlError = (error: frames.ErrorFields): Script =>
  mysql({ afterLogin: (connection, _, sequence) => connection.send(frames.error(sequence + 1, error)) })

/** A server that logs `app` in and answers statements. */
export function mysql(options: MysqlScript = {}): Script {
  return async connection => {
    const nonce = randomBytes(20).map(byte => (byte % 126) + 1)
    const method = options.method ?? 'mysql_native_password'
    const capabilities = (options.capabilities ?? frames.MODERN) | (options.tls ? frames.CAPABILITY.SSL : 0)
    await connection.send(
      frames.greeting({ ...options, capabilities, nonce, plugin: options.offers ?? method }),
    )
    if (options.afterGreeting) return options.afterGreeting(connection)
    let first = await frames.readPacket(connection)
    if (frames.isSslRequest(first) && options.tls) {
      await connection.startTls(options.tls)
      first = await frames.readPacket(connection)
    }
    const login = frames.parseLogin(first)
    options.heard?.logins.push(login)
    if (options.afterLogin) return options.afterLogin(connection, login, first.sequence)
    const talk = new Exchange(connection, first.sequence, nonce, login.proof)
    if (login.plugin !== method) await talk.switchTo(method)
    if (login.user !== 'app' || !(await admits(talk, method, options))) {
      return connection.send(frames.error(talk.next(), mysqlErrors.wrongPassword))
    }
    await connection.send(frames.ok(talk.next()))
    if (options.afterAuth) return options.afterAuth(connection)
    await serve(connection, login, options)
  }
}

/** The packets of one login, and what the client proved last. */
class Exchange {
  constructor(
    readonly connection: PeerConnection,
    public sequence: number,
    public nonce: Uint8Array,
    public proof: Buffer,
  ) {}

  next(): number {
    this.sequence += 1
    return this.sequence
  }

  async ask(bytes: Uint8Array): Promise<Buffer> {
    await this.connection.send(bytes)
    const { sequence, body } = await frames.readPacket(this.connection)
    if (sequence !== this.next()) throw new Error(`packet ${sequence} in place of ${this.sequence}`)
    return body
  }

  async switchTo(method: string): Promise<void> {
    this.nonce = randomBytes(20).map(byte => (byte % 126) + 1)
    this.proof = await this.ask(
      frames.authSwitch(this.next(), method, Buffer.concat([this.nonce, Buffer.of(0)])),
    )
  }
}

const digest = (name: string, ...parts: Uint8Array[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash(name)).digest()

const xor = (a: Uint8Array, b: Uint8Array) => Buffer.from(a.map((byte, i) => byte ^ (b[i % b.length] ?? 0)))

/** Whether the client proved that it knows the password. */
async function admits(talk: Exchange, method: MysqlMethod, options: MysqlScript): Promise<boolean> {
  const password = Buffer.from(options.password ?? APP_PASSWORD)
  const inClear = (bytes: Buffer) => {
    options.heard?.cleartext.push(bytes.toString('utf8').replace(/\0$/, ''))
    return bytes.equals(Buffer.concat([password, Buffer.of(0)]))
  }
  const decrypted = (bytes: Buffer) => {
    const padding = constants.RSA_PKCS1_OAEP_PADDING
    const plain = xor(privateDecrypt({ key: PAIR.privateKey, padding }, bytes), talk.nonce)
    return plain.equals(Buffer.concat([password, Buffer.of(0)]))
  }
  const key = Buffer.from(options.key ?? PAIR.publicKey)
  const isSecure = options.tls !== undefined
  switch (method) {
    case 'mysql_native_password': {
      // The server knows sha1(sha1(password)); the proof gives sha1(password) away to it.
      const stored = digest('sha1', digest('sha1', password))
      const once = xor(talk.proof, digest('sha1', talk.nonce, stored))
      return digest('sha1', once).equals(stored)
    }
    case 'caching_sha2_password': {
      const stored = digest('sha256', digest('sha256', password))
      const once = xor(talk.proof, digest('sha256', stored, talk.nonce))
      if (!options.uncached) {
        if (!digest('sha256', once).equals(stored)) return false
        await talk.connection.send(frames.authMore(talk.next(), Buffer.of(3)))
        return true
      }
      const answer = await talk.ask(frames.authMore(talk.next(), Buffer.of(4)))
      if (isSecure) return inClear(answer)
      if (!answer.equals(Buffer.of(2))) throw new Error('the public key was not asked for')
      return decrypted(await talk.ask(frames.authMore(talk.next(), key)))
    }
    case 'sha256_password': {
      if (isSecure) return inClear(talk.proof)
      if (!talk.proof.equals(Buffer.of(1))) throw new Error('the public key was not asked for')
      return decrypted(await talk.ask(frames.authMore(talk.next(), key)))
    }
    case 'mysql_clear_password':
      return inClear(talk.proof)
  }
}

async function serve(connection: PeerConnection, login: frames.Login, options: MysqlScript): Promise<void> {
  const deprecateEof = (login.capabilities & frames.CAPABILITY.DEPRECATE_EOF) !== 0
  const answer = options.query ?? (() => frames.result([['1']], { deprecateEof }))
  for (;;) {
    const { body } = await frames.readPacket(connection)
    if (body[0] === 1) {
      if (options.heard) options.heard.farewells++
      return
    }
    const text = body.toString('utf8', 1)
    options.heard?.statements.push(text)
    await connection.send(answer(text, deprecateEof))
  }
}
