import { isDsn } from '../../../core/address.js'
import type { Target } from '../../../core/target.js'
import type { TlsMode } from '../../../core/tls.js'
import type { Verdict } from '../../../core/verdict.js'
import { originsOf } from '../../origins.js'
import { probeOnce } from '../../probe.js'
import type { Subject } from '../subject.js'
import type { Difference } from './difference.js'

/** How long one further look may take, in milliseconds. */
const PATIENCE_MS = 3000

/**
 * What node-postgres makes of this target. In an address each sslmode but disable and no-verify is verify-full to it, and
 * without one it does not use TLS at all. Source: pg-connection-string's index.js, pg's lib/connection-parameters.js.
 */
export async function nodePostgres(subject: Subject): Promise<Difference[]> {
  const { target, verdict } = subject
  const [host] = target.hosts
  if (target.service !== 'postgres') return []
  const given = target.given.reveal()
  if (isDsn(given)) return [...pairs, ...filesOf(target)]
  const files = filesOf(target)
  if (/[?&]sslrootcert=system(&|$)/.test(given)) return [...files, systemAuthorities]
  // What is not reached by TCP has no TLS, and what is not ready is broken for everybody.
  if (!verdict.ready || !host || 'path' in host) return files
  return [...files, ...(await encryption(subject))]
}

/** libpq's own form of an address. */
const pairs: readonly Difference[] = [
  {
    id: 'libpq-connection-string',
    level: 'info',
    message:
      'host=… dbname=… is a form of libpq: node-postgres takes it for a path on a host called base, and other drivers for no address',
    advice: 'Give programs that are not built on libpq a URL, postgres://user@host:5432/database.',
  },
]

const systemAuthorities: Difference = {
  id: 'node-postgres-system-ca',
  drivers: ['pg'],
  level: 'warning',
  message: 'node-postgres takes sslrootcert=system for the name of a file, and throws ENOENT',
  advice: "Leave sslrootcert out for node-postgres: without it, it trusts Node's own authorities.",
  fix: 'sslmode=verify-full',
}

/** Parts that only libpq's files have. */
function filesOf({ origins }: Target): Difference[] {
  const services = [...(origins ?? [])].filter(([, origin]) => origin.startsWith('service file'))
  const password = origins?.get('password')
  const found: Difference[] = []
  if (services.length > 0)
    found.push({
      id: 'service-file-unread',
      drivers: ['pg', 'postgres'],
      level: 'info',
      message: `node-postgres and postgres.js read no connection service file: they lack ${services.map(([key]) => key).join(', ')}`,
      advice: 'Give programs with such a driver a whole address.',
    })
  if (password?.startsWith('password file'))
    found.push({
      id: 'password-file-unread',
      drivers: ['postgres'],
      level: 'info',
      message: `postgres.js reads no password file and lacks the password of ${password}; libpq and node-postgres have it`,
      advice: 'Give programs with such a driver the password by PGPASSWORD.',
    })
  return found
}

async function encryption(subject: Subject): Promise<Difference[]> {
  const { target, verdict, env } = subject
  if (target.params.get('uselibpqcompat')?.reveal() === 'true') return []
  const { mode } = target.tls
  const named = !/^the default/.test(originsOf(target, env).get('tls') ?? '')
  if (!named) return plaintext(subject)
  if (mode === 'disable' || mode === 'verify-full') return []
  const strict = await looked(subject, 'verify-full')
  if (strict.ready || strict.finding.reason !== 'tls-failure') return []
  const offered = tlsUsed(verdict) || mode === 'allow'
  return [
    {
      id: 'node-postgres-verifies',
      drivers: ['pg'],
      level: 'warning',
      message: `node-postgres takes sslmode=${mode} for verify-full, and that fails here: ${strict.finding.message}; psql and postgres.js connect`,
      advice: offered
        ? "Name the server's authority with sslrootcert, or ask node-postgres for libpq's meaning with uselibpqcompat=true."
        : 'Take sslmode out for node-postgres, or switch TLS on in the server.',
      fix: offered ? `sslmode=${mode}&uselibpqcompat=true` : 'sslmode=disable',
    },
  ]
}

/** A server that admits TLS sessions only, and an address that does not ask for TLS. */
async function plaintext(subject: Subject): Promise<Difference[]> {
  if (!tlsUsed(subject.verdict)) return []
  const plain = await looked(subject, 'disable')
  if (plain.ready || !/^(access-denied|tls-failure)$/.test(plain.finding.reason)) return []
  return [
    {
      id: 'tls-only-server',
      drivers: ['pg', 'postgres'],
      level: 'warning',
      message: `the server admits sessions with TLS only; libpq turns to it by itself, node-postgres and postgres.js do not where the address names no sslmode: ${plain.finding.message}`,
      advice: 'Add sslmode to the address.',
      fix: 'sslmode=require',
    },
  ]
}

const tlsUsed = (verdict: Verdict): boolean =>
  verdict.steps.some(({ layer, state }) => layer === 'tls' && state === 'ok')

/** The same target by another TLS mode and without its password: a look is no login. */
async function looked({ target, service, signal }: Subject, mode: TlsMode): Promise<Verdict> {
  const { password: _, ...rest } = target
  const hosts = target.hosts.map(({ password: _own, ...host }) => host)
  const other: Target = { ...rest, hosts, tls: { ...target.tls, mode } }
  const { verdict, session } = await probeOnce(other, service, {
    until: 'auth',
    details: false,
    identify: false,
    timeoutMs: PATIENCE_MS,
    signal,
  })
  await session?.close().catch(() => {})
  return verdict
}
