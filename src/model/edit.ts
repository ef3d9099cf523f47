import { isAlias, isCollection, isMap, isPair, isScalar, isSeq, type Scalar, type YAMLMap } from 'yaml'
import { block, flow, scalar, type Tree } from './render.js'
import { type Edit, lineEnding, type Span } from './text.js'
import { type Entry, entryAt, isMapping, spanOf, type YamlFile } from './yaml.js'

/**
 * What gives `map` the key with this value: nothing where it has it, a new last key where it has none, else a new
 * value in place of the old one. All that lies outside of the edit stays as it is, comments and white space included.
 *
 * Undefined where that cannot be done without changing what others read: the mapping or the value is an alias or has
 * an anchor. In a block a new key can be put `before` another one.
 */
export function setKey(
  file: YamlFile,
  map: unknown,
  key: string,
  value: Tree,
  before?: string,
): Edit[] | undefined {
  if (!isMapping(map)) return undefined
  const entry = entryAt(file, map, key)
  if (!entry || entry.borrowed) return insertKey(file, map, key, value, before)
  if (isSame(entry.pair.value, value)) return []
  return replaceValue(file, map, entry, value)
}

/** The key behind the last one of a mapping that is written here. */
function insertKey(
  file: YamlFile,
  map: YAMLMap,
  key: string,
  value: Tree,
  before?: string,
): Edit[] | undefined {
  if (map.flow) return insertFlow(file, map, `${keyText(map, key)}: ${flow(value, quoted(map))}`)
  const indent = indentOf(map)
  const last = map.items.at(-1)
  if (indent === undefined || !last) return undefined
  const lines = block({ [key]: value }, stepOf(file)).map(line =>
    line ? `${' '.repeat(indent)}${line}` : line,
  )
  const next = before === undefined ? undefined : entryAt(file, map, before)
  const at = next && !next.borrowed ? startOfLine(file, next.keyAt.from) : undefined
  return insertLines(file, at ?? endOfLine(file, contentEnd(file, last)), lines)
}

/** A new line for each, at an offset that begins a line or ends the text. */
export function insertLines(file: YamlFile, at: number, lines: readonly string[]): Edit[] {
  const end = lineEnding(file.text)
  const open = at > 0 && file.text[at - 1] !== '\n'
  const text = lines.join(end)
  return [{ from: at, to: at, insert: open ? end + text : text + end }]
}

/** By how many blanks the file goes further in: those of its first line that does. */
export const stepOf = ({ text }: YamlFile): number => /^( {1,8})[\w"'<&*?]/m.exec(text)?.[1]?.length ?? 2

function insertFlow(file: YamlFile, map: YAMLMap, text: string): Edit[] | undefined {
  const last = map.items.at(-1)
  const { to } = spanOf(map)
  if (file.text[to - 1] !== '}') return undefined
  if (!last) return [{ from: to - 1, to: to - 1, insert: ` ${text} ` }]
  const at = contentEnd(file, last)
  // A comma that ends the list already separates the new key from the last one.
  const trailing = /^(?:\s|#.*)*,/.exec(file.text.slice(at, to - 1))
  const from = trailing ? at + trailing[0].length : at
  return [{ from, to: from, insert: `${trailing ? ' ' : ', '}${text}` }]
}

function replaceValue(file: YamlFile, map: YAMLMap, entry: Entry, value: Tree): Edit[] | undefined {
  const old = entry.pair.value
  if (old && (old as { anchor?: string }).anchor) return undefined
  if ((old as { tag?: string } | null)?.tag && !isPlainTag(old)) return undefined
  const span = spanOf(old)
  if (!entry.value && !isAlias(old)) {
    const colon = file.text.indexOf(':', entry.keyAt.to)
    if (colon < 0) return undefined
    return [{ from: colon + 1, to: colon + 1, insert: ` ${flow(value, quoted(map))}` }]
  }
  const indent = isCollection(old) && !old.flow ? indentOf(old) : undefined
  if (indent !== undefined && typeof value === 'object' && value !== null && !isEmpty(value)) {
    const lines = block(value, stepOf(file)).map((line, i) =>
      i && line ? `${' '.repeat(indent)}${line}` : line,
    )
    return [{ from: span.from, to: contentEnd(file, old), insert: lines.join(lineEnding(file.text)) }]
  }
  return [{ from: span.from, to: contentEnd(file, old), insert: flow(value, quoted(map)) }]
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

const isPlainTag = (node: unknown): boolean =>
  isScalar(node) || isCollection(node) ? (node.tag ?? '').startsWith('tag:yaml.org,2002:') : false

/** The column of a block's first character. */
const indentOf = (node: { srcToken?: unknown }): number | undefined => {
  const token = node.srcToken as { type?: string; indent?: number } | undefined
  return token?.type?.startsWith('block-') ? token.indent : undefined
}

/** Where the last thing in it ends, without comments and the white space behind it. */
export function contentEnd(file: YamlFile, node: unknown): number {
  if (isPair(node)) return node.value ? contentEnd(file, node.value) : spanOf(node.key).to
  if (isCollection(node) && !node.flow) {
    const last = node.items.at(-1)
    return last ? contentEnd(file, last) : spanOf(node).to
  }
  const { from, to } = spanOf(node)
  if (isScalar(node) && /^BLOCK_/.test(node.type ?? '')) return endOfBlock(file.text, { from, to })
  return to
}

/** A block scalar's own range ends with the blank lines behind it, which count only with `+`. */
function endOfBlock(text: string, { from, to }: Span): number {
  const [header = ''] = /^[|>][-+\d]*/.exec(text.slice(from, to)) ?? []
  if (header.includes('+')) return to
  return from + text.slice(from, to).trimEnd().length
}

/** Where the line of an offset begins, above the comments right over it; undefined where something else is before it. */
export function startOfLine({ text }: YamlFile, offset: number): number | undefined {
  let start = text.lastIndexOf('\n', offset - 1) + 1
  if (text.slice(start, offset).trim() !== '') return undefined
  for (;;) {
    const above = text.lastIndexOf('\n', start - 2) + 1
    if (start === 0 || !/^[ \t]*#/.test(text.slice(above, start))) return start
    start = above
  }
}

/** The offset behind the line that an offset is in; the offset itself where it begins a line. */
export function endOfLine(file: YamlFile, offset: number): number {
  if (offset > 0 && file.text[offset - 1] === '\n') return offset
  const end = file.text.indexOf('\n', offset)
  return end < 0 ? file.text.length : end + 1
}

/** JSON and what looks like it keeps its quotes. */
const quoted = (map: YAMLMap): boolean =>
  map.flow === true &&
  map.items.length > 0 &&
  map.items.every(({ key }) => (key as Scalar).type === 'QUOTE_DOUBLE')

const keyText = (map: YAMLMap, key: string): string => (quoted(map) ? JSON.stringify(key) : scalar(key))

/** Whether a node, as it is written, means this value. */
function isSame(node: unknown, value: Tree): boolean {
  if (isAlias(node)) return false
  if (isSeq(node))
    return (
      Array.isArray(value) &&
      node.items.length === value.length &&
      node.items.every((item, i) => isSame(item, value[i] as Tree))
    )
  if (isMap(node)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    const keys = Object.keys(value)
    return (
      keys.length === node.items.length &&
      node.items.every(({ key, value: own }) => {
        const name = isScalar(key) ? String(key.value) : undefined
        return (
          name !== undefined &&
          Object.hasOwn(value, name) &&
          isSame(own, (value as Record<string, Tree>)[name] as Tree)
        )
      })
    )
  }
  return (isScalar(node) ? node.value : node) === value
}
