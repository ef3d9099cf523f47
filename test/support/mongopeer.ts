/**
 * A peer that answers as mongod does, by its specifications: "MongoDB Wire Protocol", OP_MSG, "MongoDB Handshake",
 * "Authentication" and "Server Discovery And Monitoring". It checks what it is sent, and closes where mongod does.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { type Document, decode, encode, ObjectId } from '../../src/wire/bson.js'
import type { PeerConnection, Script } from './peer.js'

export interface MongoPeer {
  /** Without one nobody has to log in. */
  readonly user?: { readonly name: string; readonly password: string; readonly source?: string }
  readonly mechanisms?: readonly string[]
  readonly rounds?: number
  /** Instead of what a standalone server says of itself. */
  readonly hello?: Document
  /** Instead of what is answered to a command; undefined leaves it as it is. */
  readonly answer?: (name: string, command: Document, loggedIn: boolean) => Document | undefined
  /** True for a server that refuses OP_QUERY even for its greeting. */
  readonly modern?: boolean
  /** Asks for an empty step after its proof, as servers before 4.4 do. */
  readonly emptyStep?: boolean
  /** Gives another proof than its own. */
  readonly forges?: boolean
  /** What it holds, by collection. */
  readonly collections?: Map<string, Document[]>
  /** The commands that it got, in their order. */
  readonly seen?: Document[]
}

export const PROCESS_ID = '65f000000000000000000001'
const BEGUN = Number.parseInt(PROCESS_ID.slice(0, 8), 16) * 1000

/** Errors in the words of mongod. */
export const mongoErrors = {
  auth: { ok: 0, errmsg: 'Authentication failed.', code: 18, codeName: 'AuthenticationFailed' },
  unauthorized: {
    ok: 0,
    errmsg: 'Command listCollections requires authentication',
    code: 13,
    codeName: 'Unauthorized',
  },
  notPrimary: { ok: 0, errmsg: 'not primary', code: 10107, codeName: 'NotWritablePrimary' },
  recovering: {
    ok: 0,
    errmsg: 'node is recovering',
    code: 13436,
    codeName: 'NotPrimaryOrSecondary',
  },
  shuttingDown: {
    ok: 0,
    errmsg: 'The server is in quiesce mode and will shut down',
    code: 91,
    codeName: 'ShutdownInProgress',
  },
} satisfies Record<string, Document>

/** What members of the set `rs0` say of themselves. */
export const member = {
  primary: { setName: 'rs0', ismaster: true, secondary: false, primary: 'a:27017', me: 'a:27017' },
  secondary: { setName: 'rs0', ismaster: false, secondary: true, primary: 'a:27017', me: 'b:27017' },
  orphan: { setName: 'rs0', ismaster: false, secondary: true, me: 'b:27017' },
  hidden: { setName: 'rs0', ismaster: false, secondary: true, hidden: true, primary: 'a:27017' },
  arbiter: { setName: 'rs0', ismaster: false, secondary: false, arbiterOnly: true, primary: 'a:27017' },
  recovering: { setName: 'rs0', ismaster: false, secondary: false, me: 'b:27017' },
  ghost: {
    isreplicaset: true,
    ismaster: false,
    secondary: false,
    info: 'Does not have a valid replica set config',
  },
  mongos: { msg: 'isdbgrid', ismaster: true },
} satisfies Record<string, Document>

export function mongo(peer: MongoPeer = {}): Script {
  return async connection => {
    const talk = new Talk(connection, peer)
    for (;;) if (!(await talk.turn())) return
  }
}

interface Request {
  readonly id: number
  readonly opcode: number
  readonly database: string
  readonly command: Document
}

class Talk {
  #greeted = false
  #loggedIn = false
  #login: ((payload: string) => Document) | undefined

  constructor(
    readonly connection: PeerConnection,
    readonly peer: MongoPeer,
  ) {}

  /** False once mongod would close the connection. */
  async turn(): Promise<boolean> {
    const { connection } = this
    const head = await connection.read(4)
    if (head.toString('latin1') === 'GET ') {
      const text = 'It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n'
      await connection.send(
        `HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      )
      return false
    }
    // "SSL handshake received but server is started without SSL support"
    if (head[0] === 0x16 && head[1] === 0x03) return false
    const length = head.readInt32LE()
    if (length < 16 || length > 48_000_000) return false
    const request = requestOf(await connection.read(length - 4))
    const { opcode, command } = request
    const [name = ''] = Object.keys(command)
    this.peer.seen?.push(command)
    const greets = /^(isMaster|ismaster|hello)$/.test(name)
    if (!this.#greeted && !greets) throw new Error(`${name} before the greeting`)
    if (opcode === 2004 && (this.peer.modern || !greets)) {
      const errmsg = `Unsupported OP_QUERY command: ${name}`
      await this.#send(request, { ok: 0, errmsg, code: 352, codeName: 'UnsupportedOpQueryCommand' })
      return true
    }
    await this.#send(request, greets ? this.#greet(command) : this.#answer(name, request))
    return true
  }

  #greet(command: Document): Document {
    const client = command.client as { driver?: Document; os?: Document } | undefined
    if (!this.#greeted && (!client?.driver?.name || !client.driver.version || !client.os?.type))
      throw new Error('a greeting without what the handshake asks for')
    if (this.#greeted && client) throw new Error('the client is named twice')
    this.#greeted = true
    const asked = command.saslSupportedMechs
    const { user, mechanisms = ['SCRAM-SHA-1', 'SCRAM-SHA-256'] } = this.peer
    const known = user && asked === `${user.source ?? 'admin'}.${user.name}`
    return {
      helloOk: true,
      ismaster: true,
      topologyVersion: { processId: new ObjectId(PROCESS_ID), counter: 0 },
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      minWireVersion: 0,
      maxWireVersion: 21,
      readOnly: false,
      localTime: BEGUN + 60_000,
      ...(asked && known ? { saslSupportedMechs: [...mechanisms] } : {}),
      ok: 1,
      ...this.peer.hello,
    }
  }

  #answer(name: string, { database, command }: Request): Document {
    const given = this.peer.answer?.(name, command, this.#loggedIn)
    if (given) return given
    if (name === 'ping') return { ok: 1 }
    if (name === 'buildInfo') return { version: '7.0.14', ok: 1 }
    if (name === 'saslStart') return this.#start(database, command)
    if (name === 'saslContinue') return this.#login?.(textOf(command)) ?? mongoErrors.auth
    if (name === 'authenticate' && database === '$external') {
      this.#loggedIn = true
      return { dbname: '$external', user: 'CN=client', ok: 1 }
    }
    if (this.peer.user && !this.#loggedIn)
      return { ...mongoErrors.unauthorized, errmsg: `Command ${name} requires authentication` }
    return this.#serve(name, command)
  }

  #serve(name: string, command: Document): Document {
    const collections = this.peer.collections ?? new Map<string, Document[]>()
    const collection = String(command[name])
    if (name === 'insert') {
      collections.set(collection, command.documents as Document[])
      return { n: 1, ok: 1 }
    }
    if (name === 'drop') {
      collections.delete(collection)
      return { ok: 1 }
    }
    if (name === 'count') return { n: collections.get(collection)?.length ?? 0, ok: 1 }
    if (name === 'find') {
      const firstBatch = collections.get(collection) ?? []
      return { cursor: { id: 0, ns: `test.${collection}`, firstBatch }, ok: 1 }
    }
    if (name === 'listCollections') {
      const { name: wanted } = command.filter as { name: { $in: string[] } }
      const firstBatch = wanted.$in
        .filter(one => collections.has(one))
        .map(one => ({ name: one, type: 'collection' }))
      return { cursor: { id: 0, ns: 'test.$cmd.listCollections', firstBatch }, ok: 1 }
    }
    return { ok: 0, errmsg: `no such command: '${name}'`, code: 59, codeName: 'CommandNotFound' }
  }

  /** SCRAM by RFC 5802, and PLAIN by RFC 4616, from the server's side. */
  #start(database: string, command: Document): Document {
    const { user } = this.peer
    const mechanism = String(command.mechanism)
    const payload = textOf(command)
    if (mechanism === 'PLAIN') {
      const right = user && payload === `\0${user.name}\0${user.password}` && database === '$external'
      this.#loggedIn = right === true
      return right ? { conversationId: 1, done: true, payload: new Uint8Array(), ok: 1 } : mongoErrors.auth
    }
    if (!/^SCRAM-SHA-(1|256)$/.test(mechanism)) throw new Error(`mechanism ${mechanism}`)
    const [, name = '', nonce = ''] = /^n,,n=([^,]*),r=([^,]+)$/.exec(payload) ?? []
    if (!nonce) throw new Error(`no client-first-message: ${payload}`)
    if (this.peer.emptyStep !== true && (command.options as Document).skipEmptyExchange !== true)
      throw new Error('no skipEmptyExchange')
    const known = user && name === user.name && database === (user.source ?? 'admin')
    const salt = randomBytes(16)
    const combined = nonce + randomBytes(18).toString('base64')
    const rounds = this.peer.rounds ?? 4096
    const first = `r=${combined},s=${salt.toString('base64')},i=${rounds}`
    const secret = known ? keyOf(mechanism, name, user.password) : 'nobody knows'
    this.#login = final =>
      this.#prove(mechanism, secret, salt, rounds, `n=${name},r=${nonce},${first}`, combined, final)
    return { conversationId: 1, done: false, payload: bytesOf(first), ok: 1 }
  }

  #prove(
    mechanism: string,
    secret: string,
    salt: Uint8Array,
    rounds: number,
    begun: string,
    nonce: string,
    final: string,
  ): Document {
    const hash = mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256'
    const hmac = (key: Uint8Array, text: string) => createHmac(hash, key).update(text).digest()
    const salted = pbkdf2Sync(secret, salt, rounds, hash === 'sha1' ? 20 : 32, hash)
    const [, bare = '', proof = ''] = /^(c=biws,r=[^,]+),p=(.+)$/.exec(final) ?? []
    if (bare !== `c=biws,r=${nonce}`) throw new Error(`no client-final-message: ${final}`)
    const exchange = `${begun},${bare}`
    const stored = createHash(hash).update(hmac(salted, 'Client Key')).digest()
    const signature = hmac(stored, exchange)
    const clientKey = Buffer.from(proof, 'base64').map((byte, i) => byte ^ (signature[i] ?? 0))
    if (!createHash(hash).update(clientKey).digest().equals(stored)) return mongoErrors.auth
    const serverKey = hmac(salted, this.peer.forges ? 'Another Key' : 'Server Key')
    const payload = bytesOf(`v=${hmac(serverKey, exchange).toString('base64')}`)
    if (!this.peer.emptyStep) {
      this.#loggedIn = true
      return { conversationId: 1, done: true, payload, ok: 1 }
    }
    this.#login = () => {
      this.#loggedIn = true
      return { conversationId: 1, done: true, payload: new Uint8Array(), ok: 1 }
    }
    return { conversationId: 1, done: false, payload, ok: 1 }
  }

  #send({ id, opcode }: Request, document: Document): Promise<void> {
    return this.connection.send(opcode === 2004 ? opReply(id, document) : opMsgReply(id, document))
  }
}

const keyOf = (mechanism: string, name: string, password: string): string =>
  mechanism === 'SCRAM-SHA-1' ? createHash('md5').update(`${name}:mongo:${password}`).digest('hex') : password

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))
const textOf = ({ payload }: Document): string => Buffer.from(payload as Uint8Array).toString()

/** A request without its length. */
function requestOf(bytes: Buffer): Request {
  const [id, opcode] = [bytes.readInt32LE(0), bytes.readInt32LE(8)]
  if (bytes.readInt32LE(4) !== 0) throw new Error('a request that answers something')
  if (opcode === 2004) {
    const end = bytes.indexOf(0, 16)
    const namespace = bytes.toString('utf8', 16, end)
    if (!namespace.endsWith('.$cmd') || bytes.readInt32LE(end + 5) !== -1)
      throw new Error(`OP_QUERY of ${namespace}`)
    return { id, opcode, database: namespace.slice(0, -5), command: decode(bytes.subarray(end + 9)) }
  }
  if (opcode !== 2013) throw new Error(`opcode ${opcode}`)
  if (bytes.readInt32LE(12) !== 0 || bytes[16] !== 0)
    throw new Error('flags, or a section that is no document')
  const { $db, ...command } = decode(bytes.subarray(17))
  if (typeof $db !== 'string') throw new Error('a command without $db')
  return { id, opcode, database: $db, command }
}

const SERVER_ID = 7

export function framed(to: number, opcode: number, ...parts: Uint8Array[]): Buffer {
  const head = Buffer.alloc(16)
  head.writeInt32LE(16 + parts.reduce((sum, part) => sum + part.length, 0), 0)
  head.writeInt32LE(SERVER_ID, 4)
  head.writeInt32LE(to, 8)
  head.writeInt32LE(opcode, 12)
  return Buffer.concat([head, ...parts])
}

/** Flags (AwaitCapable), cursor, start, one document. */
export function opReply(to: number, document: Document): Buffer {
  const fields = Buffer.alloc(20)
  fields.writeInt32LE(8, 0)
  fields.writeInt32LE(1, 16)
  return framed(to, 1, fields, encode(document))
}

export const opMsgReply = (to: number, document: Document): Buffer =>
  framed(to, 2013, Buffer.alloc(5), encode(document))
