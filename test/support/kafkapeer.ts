/**
 * A peer that answers as a broker of Kafka does, by its protocol guide and message definitions, and RFC 5802 and 4616.
 * It checks what it is sent, and closes where a broker does.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { PeerConnection, Script } from './peer.js'

export interface KafkaPeer {
  /** Makes the listener one with SASL. */
  readonly user?: { readonly name: string; readonly password: string }
  /** Default: all that it speaks. */
  readonly mechanisms?: readonly string[]
  readonly rounds?: number
  /** Gives another proof than its own. */
  readonly forges?: boolean
  /** The newest version of ApiVersions; an older one than 3 is that of brokers before 2.4. */
  readonly newest?: number
  /** Versions of Metadata, or none. Default 0 to 4. */
  readonly metadata?: readonly [number, number] | null
  /** Where it sends clients; default: where they are. */
  readonly brokers?: readonly { readonly host: string; readonly port: number }[]
  readonly controller?: number
  /** Name → its error, and those of its partitions. */
  readonly topics?: Readonly<Record<string, readonly [number, ...number[]]>>
  /** The message of a rejected login. */
  readonly rejection?: string
  /** Requests that it got: key, version. */
  readonly seen?: (readonly [number, number])[]
}

const [METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE] = [3, 17, 18, 36]

/** socket.request.max.bytes */
const MAX_REQUEST = 104_857_600

const int8 = (value: number) => Buffer.of(value & 255)
const int16 = (value: number) => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const string = (text: string | null) =>
  text === null ? int16(-1) : Buffer.concat([int16(Buffer.byteLength(text)), Buffer.from(text)])
const bytesField = (bytes: Buffer) => Buffer.concat([int32(bytes.length), bytes])
const array = (items: readonly Buffer[]) => Buffer.concat([int32(items.length), ...items])

export const kafkaResponse = (correlation: number, ...parts: Buffer[]): Buffer =>
  bytesField(Buffer.concat([int32(correlation), ...parts]))

class Body {
  #at = 0
  constructor(readonly bytes: Buffer) {}
  take(n: number): Buffer {
    if (n < 0 || this.#at + n > this.bytes.length) throw new Error('a request that ends too early')
    this.#at += n
    return this.bytes.subarray(this.#at - n, this.#at)
  }
  int16 = () => this.take(2).readInt16BE()
  int32 = () => this.take(4).readInt32BE()
  byte = () => this.take(1).readUInt8()
  string = () => this.take(this.int16()).toString()
  compact = () => this.take(this.byte() - 1).toString()
  end(): void {
    if (this.#at !== this.bytes.length)
      throw new Error(`${this.bytes.length - this.#at} bytes after the request`)
  }
}

/** The address of the peer is known once it listens: `at` gives it. */
export function kafka(
  peer: KafkaPeer = {},
  at?: () => { readonly host: string; readonly port: number },
): Script {
  return async connection => {
    const talk = new Talk(connection, peer, at)
    for (;;) if (!(await talk.turn())) return
  }
}

class Talk {
  #loggedIn: boolean
  #mechanism: string | undefined
  #prove: ((final: string) => Buffer | undefined) | undefined

  constructor(
    readonly connection: PeerConnection,
    readonly peer: KafkaPeer,
    readonly at: (() => { readonly host: string; readonly port: number }) | undefined,
  ) {
    this.#loggedIn = !peer.user
  }

  /** False once a broker would close the connection. */
  async turn(): Promise<boolean> {
    const size = (await this.connection.read(4)).readInt32BE()
    if (size < 8 || size > MAX_REQUEST) return false
    const body = new Body(await this.connection.read(size))
    const [key, version, correlation] = [body.int16(), body.int16(), body.int32()]
    if (![METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE].includes(key)) return false
    this.peer.seen?.push([key, version])
    const client = body.string()
    if (!/^[\w.#-]+$/.test(client)) throw new Error(`client ${client}`)
    const answer = this.#answer(key, version, body)
    if (!answer) return false
    await this.connection.send(kafkaResponse(correlation, answer))
    return true
  }

  #answer(key: number, version: number, body: Body): Buffer | undefined {
    if (key === API_VERSIONS) return this.#versions(version, body)
    if (key === SASL_HANDSHAKE) return this.#handshake(version, body)
    if (key === SASL_AUTHENTICATE) return this.#authenticate(version, body)
    // "Unexpected Kafka request of type METADATA during SASL handshake."
    return this.#loggedIn ? this.#metadata(version, body) : undefined
  }

  #versions(version: number, body: Body): Buffer {
    const { newest = 3, metadata = [0, 4] } = this.peer
    const served: [number, number, number][] = [
      ...(metadata ? [[METADATA, ...metadata] as [number, number, number]] : []),
      [SASL_HANDSHAKE, 0, 1],
      [API_VERSIONS, 0, newest],
      [SASL_AUTHENTICATE, 0, 1],
    ]
    const entries = (some: typeof served) => some.map(one => Buffer.concat(one.map(int16)))
    if (version > newest) {
      // KIP-511: in version 0; from 2.4 on with what it serves of this request.
      return Buffer.concat([
        int16(35),
        array(newest >= 3 ? entries(served.filter(([key]) => key === API_VERSIONS)) : []),
      ])
    }
    if (version < 3) {
      body.end()
      return Buffer.concat([int16(0), array(entries(served)), version > 0 ? int32(0) : Buffer.alloc(0)])
    }
    if (body.byte() !== 0) throw new Error('tagged fields in the header')
    const [name, software] = [body.compact(), body.compact()]
    for (const one of [name, software])
      if (!/^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/.test(one)) throw new Error(`client software ${one}`)
    if (body.byte() !== 0) throw new Error('tagged fields')
    body.end()
    const flexible = entries(served).map(one => Buffer.concat([one, int8(0)]))
    return Buffer.concat([int16(0), int8(served.length + 1), ...flexible, int32(0), int8(0)])
  }

  #handshake(version: number, body: Body): Buffer {
    const mechanism = body.string()
    body.end()
    if (version !== 1) throw new Error('a handshake whose login would have no header')
    const { user, mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] } = this.peer
    this.#mechanism = mechanism
    const error = user ? (mechanisms.includes(mechanism) ? 0 : 33) : 34
    return Buffer.concat([int16(error), array(user ? mechanisms.map(string) : [])])
  }

  #authenticate(version: number, body: Body): Buffer {
    const payload = body.take(body.int32()).toString()
    body.end()
    if (!this.#mechanism) throw new Error('a login without a handshake')
    const said = this.#login(payload)
    const lifetime = version >= 1 ? Buffer.alloc(8) : Buffer.alloc(0)
    if (said) return Buffer.concat([int16(0), string(null), bytesField(said), lifetime])
    const message =
      this.peer.rejection ??
      `Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.#mechanism}`
    return Buffer.concat([int16(58), string(message), bytesField(Buffer.alloc(0)), lifetime])
  }

  /** What the mechanism says to it; undefined where it rejects. */
  #login(payload: string): Buffer | undefined {
    const { user, rounds = 4096 } = this.peer
    if (!user) return undefined
    if (this.#mechanism === 'PLAIN') {
      this.#loggedIn = payload === `\0${user.name}\0${user.password}`
      return this.#loggedIn ? Buffer.alloc(0) : undefined
    }
    if (this.#prove) return this.#prove(payload)
    const [, name = '', nonce = ''] = /^n,,n=([^,]*),r=([^,]+)$/.exec(payload) ?? []
    if (!nonce) throw new Error(`no client-first-message: ${payload}`)
    if (name !== user.name.replaceAll('=', '=3D').replaceAll(',', '=2C')) return undefined
    const salt = randomBytes(16)
    const first = `r=${nonce}${randomBytes(18).toString('base64')},s=${salt.toString('base64')},i=${rounds}`
    this.#prove = final => this.#scram(salt, rounds, `n=${name},r=${nonce},${first}`, final)
    return Buffer.from(first)
  }

  #scram(salt: Buffer, rounds: number, begun: string, final: string): Buffer | undefined {
    const hash = this.#mechanism === 'SCRAM-SHA-512' ? 'sha512' : 'sha256'
    const hmac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
    const salted = pbkdf2Sync(this.peer.user?.password ?? '', salt, rounds, hash === 'sha512' ? 64 : 32, hash)
    const [, bare = '', proof = ''] = /^(c=biws,r=[^,]+),p=(.+)$/.exec(final) ?? []
    if (!begun.includes(bare.slice('c=biws,'.length))) throw new Error(`no client-final-message: ${final}`)
    const stored = createHash(hash).update(hmac(salted, 'Client Key')).digest()
    const signature = hmac(stored, `${begun},${bare}`)
    const clientKey = Buffer.from(proof, 'base64').map((byte, i) => byte ^ (signature[i] ?? 0))
    if (!createHash(hash).update(clientKey).digest().equals(stored)) return undefined
    this.#loggedIn = true
    const serverKey = hmac(salted, this.peer.forges ? 'Another Key' : 'Server Key')
    return Buffer.from(`v=${hmac(serverKey, `${begun},${bare}`).toString('base64')}`)
  }

  #metadata(version: number, body: Body): Buffer {
    const count = body.int32()
    const names = count < 0 ? undefined : Array.from({ length: count }, body.string)
    const creates = version < 4 || body.byte() !== 0
    body.end()
    if (creates && names && names.length > 0 && this.peer.seen) throw new Error(`${names} would be created`)
    const known = this.peer.topics ?? {}
    const brokers = this.peer.brokers ?? (this.at ? [this.at()] : [])
    const topic = (name: string) => {
      const [error, ...partitions] = known[name] ?? [3]
      const partition = (code: number, i: number) =>
        Buffer.concat([int16(code), int32(i), int32(code ? -1 : 0), array([int32(0)]), array([int32(0)])])
      return Buffer.concat([int16(error), string(name), int8(0), array(partitions.map(partition))])
    }
    return Buffer.concat([
      version >= 3 ? int32(0) : Buffer.alloc(0),
      array(
        brokers.map(({ host, port }, i) =>
          Buffer.concat([int32(i), string(host), int32(port), version >= 1 ? string(null) : Buffer.alloc(0)]),
        ),
      ),
      version >= 2 ? string('cluster') : Buffer.alloc(0),
      int32(this.peer.controller ?? 0),
      array((names ?? Object.keys(known)).map(topic)),
    ])
  }
}
