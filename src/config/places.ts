import { readFileSync } from 'node:fs'
import { extname, relative } from 'node:path'
import type { Document } from 'yaml'
import { redactAddress } from '../core/redact.js'

/** Where a key stands in a file, for a person and for an editor. */
export type PlaceOf = (...path: readonly string[]) => string

/** `holdfast.config.yaml:3:5` for YAML and JSON, `holdfast.config.ts: targets.db` for what is a program. */
export async function placesIn(file: string): Promise<PlaceOf> {
  const shown = shownPath(file)
  if (!/^\.(json|ya?ml)$/.test(extname(file)))
    return (...path) => (path.length > 0 ? `${shown}: ${path.map(redactAddress).join('.')}` : shown)
  const { LineCounter, parseDocument } = await import('yaml')
  const lines = new LineCounter()
  // JSON is read as YAML, which holds it.
  const document = parseDocument(readFileSync(file, 'utf8'), { lineCounter: lines })
  return (...path) => {
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

/** Where a key begins, or undefined where it is not there. */
function offsetOf(document: Document.Parsed, path: readonly string[]): number | undefined {
  const parent: unknown = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents
  const items = (parent as { items?: unknown } | null | undefined)?.items
  for (const item of Array.isArray(items) ? items : []) {
    const key = (item as { key?: { value?: unknown; range?: readonly number[] | null } } | null)?.key
    if (key && String(key.value) === path.at(-1)) return key.range?.[0]
  }
  return undefined
}
