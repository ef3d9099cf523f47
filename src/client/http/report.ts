import { redactAddress } from '../../core/redact.js'
import { chain } from './ours.js'

/** The stacks of an error and of its causes, for the operator's log: what is an address in them without its secrets. */
export function stacksOf(error: unknown): string {
  const all = chain(error).map(one => (one instanceof Error ? (one.stack ?? one.message) : String(one)))
  return redacted(all.length > 0 ? all.join('\nCaused by: ') : String(error))
}

/** Of what the program's own options threw. */
export function warn(option: string, error: unknown): void {
  process.emitWarning(`holdfastErrors: ${option} failed, and the answer went without it: ${stacksOf(error)}`)
}

/** Frames of a stack name files by addresses, too. */
const ADDRESS = /\b(?!file:|node:)[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)]+/gi

/** Without the secrets of the addresses in it. */
export const redacted = (text: string): string => text.replace(ADDRESS, redactAddress)
