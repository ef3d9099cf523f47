import type { Concern } from '../core/concern.js'
import { formsOf, LEAST, plain, redactAddress } from '../core/redact.js'
import { redactorOf } from '../core/redactor.js'
import { isWellKnown } from './passwords.js'
import type { Checked } from './subject.js'

const SECRET_NAME =
  /pass|pwd|secret|token|credential|private|salt|cookie|signature|dsn|(^|_)(api_?|access_?)?key(_|$)|auth$/i

/** The shell's word for the working directory (POSIX, 2.5.3). */
const FOLDER = /^(OLD)?PWD$/

/** Names that end so hold where a secret is, or how it is handled. */
const ABOUT_ONE = /_(file|path|dir|host|port|timeout|ttl|length|url_prefix|method|mode)$/i

/** Tokens of well-known shapes, keys in PEM, JSON web tokens, and what is long and mixed. */
const SECRET_CONTENT =
  /^(sk|pk|rk)[_-]|^gh[pousr]_|^github_pat_|^xox[abp]-|^AKIA|^eyJ|^glpat-|-----BEGIN|:\/\/[^/]*@|^(?![/.~])(?=.*\d)(?=.*[a-z])[\w+/=~.-]{24,}$/i

/** Does a variable look as if it held a secret, by its name or by what is in it? */
export const looksSecret = (name: string, value: string): boolean =>
  (SECRET_NAME.test(name) && !ABOUT_ONE.test(name) && !FOLDER.test(name)) ||
  SECRET_CONTENT.test(value) ||
  isStray(name, value)

/** Where an address belongs, what is none may be the password of one. */
const isStray = (name: string, value: string): boolean => /_ur[li]$/i.test(name) && !value.includes('://')

/** A variable's value for a sentence: in quotes, or `its value` where it may be a secret. */
export const shownValue = (name: string, value: string): string =>
  looksSecret(name, value) ? 'its value' : `"${plain(redactAddress(value), 40)}"`

/**
 * Hides every secret of the subject in what was found, wherever it slipped in. What everybody knows (`postgres`) is no
 * secret that could be hidden.
 */
export function hush(concerns: readonly Concern[], subject: Checked): Concern[] {
  const scrubbed = scrubber(secretsOf(subject))
  const redactors = new Map(
    subject.targets
      .filter(({ target }) => !isWellKnown(target.password?.reveal() ?? ''))
      .map(({ target }) => [target.name, redactorOf(target)]),
  )
  return concerns.map(concern => {
    const { message, advice, fix, where, target = '' } = concern
    const redact = redactors.get(target)
    const clean = (text: string) => scrubbed(redact?.(text) ?? text)
    return {
      ...concern,
      message: plain(clean(message), LONGEST),
      ...(where === undefined ? {} : { where: plain(where, LONGEST) }),
      ...(advice === undefined ? {} : { advice: clean(advice) }),
      ...(fix === undefined ? {} : { fix: clean(fix) }),
    }
  })
}

/** Of a line: a list of all schemes is the longest. */
const LONGEST = 1000

/** Hides many secrets as `scrub` does, in time that depends on the text alone. */
function scrubber(secrets: Iterable<string>): (text: string) => string {
  const byStart = new Map<string, Set<string>>()
  for (const secret of secrets) {
    if (secret.length < LEAST) continue
    for (const form of formsOf(secret)) {
      const start = form.slice(0, LEAST)
      byStart.set(start, (byStart.get(start) ?? new Set()).add(form))
    }
  }
  return text => {
    let shown = ''
    let hiddenTo = 0
    for (let i = 0; i < text.length; i++) {
      const begun = i < hiddenTo
      for (const form of byStart.get(text.slice(i, i + LEAST)) ?? [])
        if (text.startsWith(form, i)) hiddenTo = Math.max(hiddenTo, i + form.length)
      if (i >= hiddenTo) shown += text[i]
      else if (!begun) shown += '***'
    }
    return shown
  }
}

function secretsOf({ env, found, targets }: Checked): Set<string> {
  const values = Object.entries(env).flatMap(([name, value]) => {
    if (!value) return []
    const inside = [...value.matchAll(/:\/\/[^/@\s]*?:([^@\s]+)@/g)].map(match => match[1] ?? '')
    return looksSecret(name, value) ? [value, ...inside] : inside
  })
  const passwords = [...found, ...targets].map(({ target }) => target.password?.reveal() ?? '')
  return new Set([...values, ...passwords].filter(value => value && !isWellKnown(value)))
}
