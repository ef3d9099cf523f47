import { LEVELS, type Level } from '../core/concern.js'
import { nearest, usage } from '../core/errors.js'
import { redactAddress } from '../core/redact.js'
import { LIVE_IDS } from './live.js'
import { RULES } from './rules/all.js'
import type { Checked, Problem } from './subject.js'

const ids = (): string[] => [...RULES.map(({ id }) => id), ...LIVE_IDS]

/** Without what these are about nothing can be done: no reason makes it usable. */
export const isUnusable = (id: string): boolean => UNUSABLE.has(id)

const UNUSABLE = new Set(['config-invalid', 'target-invalid', 'reference-unset', 'silence-unknown'])

/** Why an id cannot be silenced, or undefined. */
function refusal(id: string): string | undefined {
  const known = ids()
  if (isUnusable(id)) return `${id} cannot be silenced: with it there is nothing that could be used`
  if (known.includes(id)) return undefined
  const near = nearest(id, known)
  return `"${redactAddress(id)}" is no rule${near ? `; did you mean ${near}?` : '; docs/check.md lists them'}`
}

/** `--silence ID=REASON`, each. @throws HoldfastError (usage) for an unknown id, or without a reason. */
export function silenceOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map(text => {
      const [, id = '', reason = ''] = /^([^=]*)=?([\s\S]*)$/.exec(text) ?? []
      const wrong = refusal(id.trim())
      if (wrong) throw usage(`--silence: ${wrong}`)
      if (!reason.trim())
        throw usage(`--silence: ${id} needs a reason: --silence ${id}="why it does not matter here"`)
      return [id.trim(), reason.trim()]
    }),
  )
}

/** The same of the configuration, as problems. */
export const unknownSilence = (
  silence: Readonly<Record<string, string>>,
  placeOf: Checked['placeOf'],
): Problem[] =>
  Object.entries(silence).flatMap(([id, reason]): Problem[] => {
    const wrong = refusal(id) ?? (reason.trim() ? undefined : `${id} needs a reason`)
    const where = placeOf('check', 'silence', id)
    return wrong ? [{ id: 'silence-unknown', level: 'error', message: `check.silence: ${wrong}`, where }] : []
  })

/** `warning`, `WARNING`. @throws HoldfastError (usage) that names the option. */
export function levelOf(text: string, option: string): Level {
  const level = LEVELS.find(one => one === text.toLowerCase())
  if (level) return level
  const near = nearest(text, LEVELS)
  throw usage(
    `${option}: "${redactAddress(text)}" is not one of ${LEVELS.join(', ')}${near ? `; did you mean ${near}?` : ''}`,
  )
}
