import { nearest, usage } from '../core/errors.js'
import type { FixtureSettings } from './fixtures.js'

const KNOWN: { readonly [key in keyof Required<FixtureSettings>]: true } = {
  isolation: true,
  migrate: true,
  files: true,
  keepFailed: true,
  allowRemote: true,
  needs: true,
}
const MODES = ['database', 'schema', 'transaction', 'none']

/** What `test.with` is given: a mistake would let a test run on what others share. @throws HoldfastError (usage) */
export function checkSettings(settings: FixtureSettings): FixtureSettings {
  const { isolation } = settings
  for (const key of Object.keys(settings)) {
    if (key in KNOWN) continue
    const known = Object.keys(KNOWN)
    throw usage(`test.with: there is no setting "${key}"${meant(key, known)}; known: ${known.join(', ')}`)
  }
  if (isolation !== undefined && !MODES.includes(isolation))
    throw usage(
      `test.with: isolation: ${JSON.stringify(isolation)} is not one of ${MODES.join(', ')}${meant(String(isolation), MODES)}`,
    )
  return settings
}

export function meant(word: string, known: readonly string[]): string {
  const near = nearest(word, known)
  return near === undefined ? '' : `; did you mean ${near}?`
}
