import { readFileSync } from 'node:fs'
import { isIP, type Socket } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { ProbeError } from '../core/service.js'
import type { TlsSettings } from '../core/tls.js'

export interface TlsStart {
  readonly tls: TlsSettings
  readonly host: string
  readonly signal: AbortSignal
  readonly alpn?: string
  /** Where a setting is silent, use libpq's files in ~/.postgresql. */
  readonly libpqFiles?: boolean
}

/** TLS over a connected socket, verified as libpq's `sslmode` says. Source: PostgreSQL manual, 34.19. */
export function startTls(
  socket: Socket,
  { tls, host, signal, alpn, libpqFiles = false }: TlsStart,
): Promise<Socket> {
  const options = {
    ...credentials(tls, libpqFiles ? libpqFile : undefined),
    ...(alpn ? { ALPNProtocols: [alpn] } : {}),
  }
  socket.on('error', () => {})
  return new Promise((resolve, reject) => {
    const secured = connect({
      ...options,
      socket,
      ...(tls.sni && !isIP(host) ? { servername: host } : {}),
      host,
    })
    const done = (act: () => void) => {
      signal.removeEventListener('abort', abort)
      secured.removeListener('error', fail)
      act()
    }
    const fail = (error: Error) => done(() => reject(error))
    const abort = () =>
      done(() => {
        secured.on('error', () => {})
        secured.destroy()
        reject(signal.reason)
      })
    if (signal.aborted) return abort()
    signal.addEventListener('abort', abort, { once: true })
    secured.once('error', fail)
    secured.once('secureConnect', () => done(() => resolve(secured)))
  })
}

/** What node:tls takes for the settings; `file` finds libpq's default files, where they count. */
export function credentials(
  tls: TlsSettings,
  file: (name: string) => string | undefined = () => undefined,
): ConnectionOptions {
  const authority = tls.ca ?? file('root.crt')
  // libpq: with an authority given, require checks it like verify-ca.
  const mode = tls.mode === 'require' && authority ? 'verify-ca' : tls.mode
  const verify = mode.startsWith('verify-')
  const cert = tls.cert ?? file('postgresql.crt')
  const key = tls.key ?? (cert ? file('postgresql.key') : undefined)
  return {
    rejectUnauthorized: verify,
    ...(verify && authority && authority !== 'system' ? { ca: load(authority, 'sslrootcert') } : {}),
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
    ...(cert ? { cert: load(cert, 'sslcert') } : {}),
    ...(key ? { key: load(key, 'sslkey') } : {}),
    ...(tls.keyPassword ? { passphrase: tls.keyPassword.reveal() } : {}),
  }
}

/** libpq's default files in ~/.postgresql, where they exist. */
export function libpqFile(name: string): string | undefined {
  const path = join(homedir(), '.postgresql', name)
  try {
    readFileSync(path)
    return path
  } catch {
    return undefined
  }
}

function load(path: string, setting: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable'
    throw new ProbeError({
      reason: 'client-misuse',
      code,
      message: `${setting}: ${path} cannot be read (${code})`,
      advice: `Name a readable file with ${setting}.`,
    })
  }
}
