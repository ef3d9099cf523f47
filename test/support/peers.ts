/** Scripts of peers that misbehave, or that speak something else. Postgres' own are in pgpeers.ts. */
import { randomBytes } from 'node:crypto'
import type { PeerConnection, Script } from './peer.js'
import { freePort } from './root.js'

/** A port of this machine that nothing listens on, and that no other test gets. */
export const refused = async () => ({ host: '127.0.0.1', port: await freePort() })

/** Accepts and never says a word. */
export const silent: Script = connection => connection.hang()

export const eofOnAccept: Script = connection => connection.end()

export const resetOnAccept: Script = connection => connection.reset()

/** What a published container port does whose service does not listen yet. */
export const eofAfterFirstBytes: Script = async connection => {
  await connection.readSome()
  await connection.end()
}

export const resetAfterFirstBytes: Script = async connection => {
  await connection.readSome()
  await connection.reset()
}

/** Speaks first, then is silent. */
export const greets =
  (bytes: Uint8Array | string): Script =>
  async connection => {
    await connection.send(bytes)
    await connection.hang()
  }

/** Answers the first bytes, whatever they are, and closes. */
export const answers =
  (bytes: Uint8Array | string): Script =>
  async connection => {
    await connection.readSome()
    await connection.send(bytes)
  }

/** First bytes of other protocols. The first two answer a request (`answers`), the others speak first (`greets`). */
export const GREETINGS = {
  http: 'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n400 Bad Request',
  redis: "-ERR unknown command '\\x00', with args beginning with: \r\n",
  mysql: mysqlGreeting(),
  ssh: 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n',
  amqp: Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'),
  random: randomBytes(64),
}

/** The packet that a MySQL server opens with (protocol 10). */
function mysqlGreeting(): Buffer {
  const text = (value: string) => Buffer.from(`${value}\0`, 'latin1')
  const body = Buffer.concat([
    Buffer.from([10]),
    text('8.0.36'),
    Buffer.from([8, 0, 0, 0]),
    text('12345678'),
    Buffer.from([0xff, 0xff, 0xff, 2, 0, 0xff, 0xdf, 21]),
    Buffer.alloc(10),
    text('123456789012'),
    text('caching_sha2_password'),
  ])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])
}

/** Speaks TLS from the first byte; inside it plays `script`, by default silence. */
export const tlsOnly =
  (certificate: { cert: string; key: string }, script: Script = silent): Script =>
  async connection => {
    await connection.startTls(certificate)
    await script(connection)
  }

/** The errors that a real Redis answers any command with. */
export const REDIS_ERRORS = {
  loading: '-LOADING Redis is loading the dataset in memory\r\n',
  noAuth: '-NOAUTH Authentication required.\r\n',
  wrongPass: '-WRONGPASS invalid username-password pair or user is disabled.\r\n',
  masterDown: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.\r\n",
  readOnly: "-READONLY You can't write against a read only replica.\r\n",
}

/** Answers each command, by its name in upper case and its arguments, with the bytes that `answer` gives. */
export const redis = (answer: (command: string, args: string[]) => string): Script => {
  return async connection => {
    for (;;) {
      const [name = '', ...args] = await readCommand(connection)
      await connection.send(answer(name.toUpperCase(), args))
    }
  }
}

/** What Redis does beyond maxclients: it says so at once and closes. */
export const redisFull: Script = connection => connection.send('-ERR max number of clients reached\r\n')

/** A command as an array of strings, or as one line of words. */
async function readCommand(connection: PeerConnection): Promise<string[]> {
  const line = async () => (await connection.readUntil('\r\n')).toString().trimEnd()
  const head = await line()
  if (!head.startsWith('*')) return head.split(' ')
  const words: string[] = []
  for (let left = Number(head.slice(1)); left > 0; left--) {
    const length = Number((await line()).slice(1))
    words.push((await connection.read(length + 2)).toString('utf8', 0, length))
  }
  return words
}
