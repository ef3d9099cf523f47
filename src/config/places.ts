import { readFileSync } from 'node:fs'
import { extname, relative } from 'node:path'
import { isNode, LineCounter, parseDocument } from 'yaml'
import { redactAddress } from '../core/redact.js'

/** Where a key stands in a file, for a person and for an editor. */
export type PlaceOf = (...path: readonly string[]) => string

/** `holdfast.config.yaml:3:5` for YAML and JSON, `holdfast.config.ts: targets.db` for what is a program. */
export function placesIn(file: string): PlaceOf {
  const shown = shownPath(file)
  const lines = new LineCounter()
  const document = /^\.(json|ya?ml)$/.test(extname(file)) ? documentOf(file, lines) : undefined
  return (...path) => {
    if (!document) return path.length > 0 ? `${shown}: ${path.map(redactAddress).join('.')}` : shown
    // An absent key is missing in the nearest object around it.
    for (let length = path.length; length > 0; length--) {
      const offset = offsetOf(document, path.slice(0, length))
      if (offset === undefined) continue
      const { line, col } = lines.linePos(offset)
      return `${shown}:${line}:${col}`
    }
    return shown
  }
}

/** Relative to the working directory, where it is in it. */
export function shownPath(file: string): string {
  const path = relative(process.cwd(), file)
  return path.startsWith('..') ? file : path
}

function documentOf(file: string, lineCounter: LineCounter) {
  try {
    return parseDocument(readFileSync(file, 'utf8'), { lineCounter })
  } catch {
    return undefined
  }
}

/** JSON is read as YAML, which holds it. */
function offsetOf(document: NonNullable<ReturnType<typeof documentOf>>, path: readonly string[]) {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const items: readonly unknown[] =
    typeof parent === 'object' && parent && 'items' in parent ? (parent.items as unknown[]) : []
  for (const item of items) {
    if (typeof item !== 'object' || item === null || !('key' in item) || !isNode(item.key)) continue
    if (String(item.key) === path.at(-1)) return item.key.range?.[0]
  }
  return undefined
}
