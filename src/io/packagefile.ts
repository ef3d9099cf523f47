import { dirname, join, resolve } from 'node:path'
import { textOf } from './text.js'

/** The names of the packages that the nearest package.json from `folder` upward asks for; none without one. */
export function dependenciesOf(folder: string): ReadonlySet<string> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const text = textOf(join(at, 'package.json'))
    if (text !== undefined) return namesIn(text)
    if (at === dirname(at)) return new Set()
  }
}

function namesIn(text: string): Set<string> {
  try {
    const { dependencies, devDependencies } = JSON.parse(text)
    return new Set(Object.keys({ ...dependencies, ...devDependencies }))
  } catch {
    return new Set()
  }
}
