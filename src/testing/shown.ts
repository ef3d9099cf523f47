import { plain, redactAddress } from '../core/redact.js'

const MASK = '***'

/** The longest that is kept of a command line, in characters. */
const MOST = 200

const SECRET = /^--?[\w.-]*(pass|pwd|secret|token|key|auth|cred)[\w.-]*$/i

/** `-p` and `-P` of mysql, sqlcmd and their like with the password in the same word, and those of which it is the next one. */
const ATTACHED = /^-[pP]./
const SHORT = /^-[apP]$/

/**
 * A command line as a journal may keep it: program, subcommand and files, and of options the names. What an option says
 * behind `=`, what follows one that is about a secret, assignments and addresses are masked; of a script (`sh -c`) its
 * words up to the first that is more than a plain one.
 */
export function commandShown(command: readonly string[]): string {
  const shown = command.map((word, i) => {
    const before = command[i - 1] ?? ''
    if (i > 0 && (SECRET.test(before) || SHORT.test(before))) return MASK
    return /\s/.test(word) ? scriptShown(word) : wordShown(word)
  })
  return plain(shown.join(' '), MOST)
}

function wordShown(word: string): string {
  if (ATTACHED.test(word)) return `${word.slice(0, 2)}${MASK}`
  return word.startsWith('-') ? word.replace(/=[\s\S]*$/, `=${MASK}`) : redactAddress(word)
}

function scriptShown(script: string): string {
  const words = script.trim().split(/\s+/)
  const special = words.findIndex(word => !/^[\w./*][\w./*-]*$/.test(word))
  return special < 0 ? words.join(' ') : [...words.slice(0, special), '…'].join(' ')
}
