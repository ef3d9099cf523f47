/** Scripts of peers that speak Postgres, each up to the point where it goes wrong. */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { PeerConnection, Script } from './peer.js'
import * as frames from './pgframes.js'
import { APP_PASSWORD } from './postgres-cluster.js'

export interface PostgresScript {
  /** Answers SSLRequest with S and a handshake; without it with N. */
  tls?: { cert: string; key: string }
  /** What the client has to prove; default nothing. */
  auth?: 'trust' | 'cleartext' | 'md5' | 'scram'
  /** The right password; default that of `app`. */
  password?: string
  /** The server's proof that it knows the password is wrong. */
  wrongSignature?: boolean
  /** Sent with the login's success. */
  parameters?: Record<string, string>
  /** Takes over after the start-up message, in place of a login. */
  afterStartup?: (connection: PeerConnection, parameters: Record<string, string>) => Promise<void>
  /** Takes over after the login, in place of ReadyForQuery and of answering. */
  afterLogin?: Script
  /** The frames that answer a statement, without ReadyForQuery; default one row with a 1. */
  query?: (text: string) => Uint8Array | Promise<Uint8Array>
}

const PARAMETERS = { server_version: '15.18', client_encoding: 'UTF8', in_hot_standby: 'off' }

/** A server that logs `app` in and answers statements in the simple protocol. */
export function postgres(options: PostgresScript = {}): Script {
  return async connection => {
    const parameters = await startup(connection, options.tls)
    if (!parameters) return
    if (options.afterStartup) return options.afterStartup(connection, parameters)
    if (!(await login(connection, parameters.user ?? '', options))) {
      return connection.send(frames.errorResponse(wrongPassword(parameters.user)))
    }
    const told = Object.entries({ ...PARAMETERS, ...options.parameters })
    const status = told.map(([name, value]) => frames.parameterStatus(name, value))
    await connection.send(
      Buffer.concat([frames.authenticationOk(), ...status, frames.backendKeyData(4_711, 42)]),
    )
    if (options.afterLogin) return options.afterLogin(connection)
    await connection.send(frames.readyForQuery())
    await serve(connection, options.query ?? (() => oneRow('1')))
  }
}

/** One row with one column and its CommandComplete. */
export const oneRow = (value: string | null) =>
  Buffer.concat([frames.rowDescription('value'), frames.dataRow(value), frames.commandComplete('SELECT 1')])

/** Refuses the start-up with an error, as a server does that cannot serve this client. */
export const postgresError = (error: frames.ErrorFields): Script =>
  postgres({ afterStartup: connection => connection.send(frames.errorResponse(error)) })

/** Logs in, and answers the first statement with an error. */
export const postgresQueryError = (error: frames.ErrorFields): Script =>
  postgres({ query: () => frames.errorResponse({ severity: 'ERROR', ...error }) })

/** The errors that real servers refuse a start-up with. */
export const postgresErrors = {
  startingUp: {
    code: '57P03',
    message: 'the database system is starting up',
    routine: 'ProcessStartupPacket',
  },
  tooManyConnections: {
    code: '53300',
    message: 'sorry, too many clients already',
    routine: 'InitProcess',
  },
  databaseMissing: {
    code: '3D000',
    message: 'database "app" does not exist',
    routine: 'InitPostgres',
  },
  wrongPassword: wrongPassword('app'),
  roleMissing: {
    code: '28000',
    message: 'role "app" does not exist',
    routine: 'InitializeSessionUserId',
  },
  notInHba: {
    code: '28000',
    message: 'no pg_hba.conf entry for host "127.0.0.1", user "app", database "app", no encryption',
    routine: 'ClientAuthentication',
  },
} satisfies Record<string, frames.ErrorFields>

function wrongPassword(user = ''): frames.ErrorFields {
  return {
    code: '28P01',
    message: `password authentication failed for user "${user}"`,
    routine: 'auth_failed',
  }
}

/** Reads the start-up message and says nothing more. */
export const startupThenSilence = postgres({ afterStartup: connection => connection.hang() })

/** Agrees to TLS and then sends something that is none. */
export const sslThenGarbage: Script = async connection => {
  await frames.readStartup(connection)
  await connection.send('S')
  await connection.readSome()
  await connection.send(Buffer.alloc(64, 0xaa))
  await connection.hang()
}

async function startup(connection: PeerConnection, tls: PostgresScript['tls']) {
  for (;;) {
    const first = await frames.readStartup(connection)
    if (first.kind === 'cancel') return undefined
    if (first.kind === 'startup') return first.parameters
    const agreed = first.kind === 'ssl' && tls !== undefined
    await connection.send(agreed ? 'S' : 'N')
    if (agreed) await connection.startTls(tls)
  }
}

async function serve(connection: PeerConnection, query: NonNullable<PostgresScript['query']>): Promise<void> {
  for (;;) {
    const { type, body } = await frames.readMessage(connection)
    if (type === 'X') return
    const answer =
      type === 'Q'
        ? await query(body.toString('utf8', 0, body.length - 1))
        : frames.errorResponse({
            severity: 'ERROR',
            code: '0A000',
            message: `no message ${type} in this script`,
          })
    await connection.send(Buffer.concat([answer, frames.readyForQuery()]))
  }
}

const md5 = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('md5')).digest('hex')

/** Whether the client proved that it knows the password. */
async function login(connection: PeerConnection, user: string, options: PostgresScript): Promise<boolean> {
  const password = options.password ?? APP_PASSWORD
  const said = async () => (await frames.readMessage(connection)).body
  const text = async () => (await said()).toString('utf8').replace(/\0$/, '')
  switch (options.auth) {
    case 'cleartext':
      await connection.send(frames.cleartextPassword())
      return (await text()) === password
    case 'md5': {
      const salt = randomBytes(4)
      await connection.send(frames.md5Password(salt))
      return (await text()) === `md5${md5(md5(password, user), salt)}`
    }
    case 'scram':
      return scram(connection, said, password, options.wrongSignature ?? false)
    default:
      return true
  }
}

const hmac = (key: Uint8Array, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()

/** The server's side of SCRAM-SHA-256 (RFC 5802), without channel binding. */
async function scram(
  connection: PeerConnection,
  said: () => Promise<Buffer>,
  password: string,
  wrongSignature: boolean,
): Promise<boolean> {
  await connection.send(frames.sasl('SCRAM-SHA-256'))
  const initial = await said()
  const clientFirst = initial.toString('utf8', initial.indexOf(0) + 5).replace(/^[^,]*,[^,]*,/, '')
  const salt = randomBytes(16)
  const nonce = `${/r=([^,]*)/.exec(clientFirst)?.[1]}${randomBytes(12).toString('base64')}`
  const serverFirst = `r=${nonce},s=${salt.toString('base64')},i=4096`
  await connection.send(frames.saslContinue(serverFirst))
  const final = (await said()).toString('utf8')
  const unproven = final.replace(/,p=[^,]*$/, '')
  const salted = pbkdf2Sync(password, salt, 4096, 32, 'sha256')
  const signed = `${clientFirst},${serverFirst},${unproven}`
  const clientKey = hmac(salted, 'Client Key')
  const signature = hmac(sha256(clientKey), signed)
  const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString('base64')
  if (!final.endsWith(`,p=${proof}`) || !unproven.includes(`r=${nonce}`)) return false
  const verifier = hmac(hmac(salted, 'Server Key'), wrongSignature ? 'something else' : signed)
  await connection.send(frames.saslFinal(`v=${verifier.toString('base64')}`))
  return true
}
