import { HoldfastError } from '../core/errors.js'
import { plain } from '../core/redact.js'
import { ProbeError } from '../core/service.js'
import { ident } from './names.js'

/** Why there is no database, by the HTTP status that IntegreSQL has for it. */
export type Status = 400 | 403 | 404 | 405 | 410 | 413 | 423 | 500 | 503

/** What a caller can act upon: an unknown template, one that was discarded, a server that does not answer. */
export class IsolationError extends Error {
  override readonly name = 'IsolationError'
  constructor(
    readonly status: Status,
    message: string,
  ) {
    super(message)
  }
}

/** SQLSTATE → what to do about it. Source: PostgreSQL manual, appendix A. */
const NEXT: Readonly<Record<string, (role: string, making: boolean) => string | undefined>> = {
  '42501': role =>
    `Let the role make databases, as a superuser: ALTER ROLE ${role} CREATEDB; or isolate by mode "schema" or "transaction".`,
  '53100': () =>
    'The disk of the server is full: free some, take a smaller pool, or drop databases that were kept (SELECT datname FROM pg_database).',
  '53300': () => 'All connections of the server are taken: raise max_connections, or run fewer workers.',
  '55006': (_, making) =>
    making
      ? 'Somebody is connected to the template that is copied (for an empty database that is template1): end that session.'
      : undefined,
}

/** What an error of these statements means for isolation; other errors stay as they are. */
export function explained(error: unknown, role: string, texts: readonly string[]): unknown {
  if (!(error instanceof ProbeError)) return error
  const { code, message, reason } = error.finding
  const next = NEXT[code ?? '']?.(
    role,
    texts.some(text => text.startsWith('CREATE DATABASE')),
  )
  if (reason === 'connection-lost' || reason === 'server-not-ready')
    return new IsolationError(503, `the server is gone: ${message}`)
  return new HoldfastError('config', `isolation: ${plain(message)}${next ? `. ${next}` : ''}`, {
    cause: error,
  })
}

/** SQLSTATE of an error, or of its cause. */
export function codeOf(error: unknown): string | undefined {
  const cause = error instanceof HoldfastError ? error.cause : error
  return cause instanceof ProbeError ? cause.finding.code : undefined
}

/** What is said of databases that could not be dropped, each with its error. */
export function staying(stuck: ReadonlyMap<string, unknown>): string {
  const [[first, error] = []] = stuck
  const why = error instanceof Error ? error.message.replace(/^isolation: /, '') : `${error}`
  const drop = [...stuck.keys()].map(name => `DROP DATABASE IF EXISTS ${ident(name)};`).join(' ')
  return `${stuck.size === 1 ? first : `${stuck.size} databases`} could not be dropped and stay${stuck.size === 1 ? 's' : ''} (${why}). What holds one may be a prepared transaction (pg_prepared_xacts) or a subscription: end that, then: ${drop}`
}
