import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml'
import { Lines, ModelError, type Position, type Span } from './text.js'

/** A YAML text with its nodes, whose ranges are offsets into it. */
export class YamlFile {
  readonly #lines: Lines
  /** What each alias stands for: the last node before it with that anchor. */
  readonly #targets = new Map<Alias, Node>()
  constructor(
    readonly text: string,
    readonly document: Document.Parsed,
  ) {
    this.#lines = new Lines(text)
    const anchors = new Map<string, Node>()
    visit(document, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source)
        if (target) this.#targets.set(alias, target)
      },
      Value: (_, node) => {
        if (node.anchor) anchors.set(node.anchor, node)
      },
    })
  }
  position(offset: number): Position {
    return this.#lines.position(offset)
  }
  get root(): Node | undefined {
    return this.document.contents ?? undefined
  }
  /** What an alias stands for; any other node as it is. */
  resolve(node: unknown): Node | undefined {
    if (!isAlias(node)) return (node as Node | null) ?? undefined
    return this.#targets.get(node)
  }
}

/**
 * Reads one YAML 1.2 document, as Compose and GitHub Actions write them.
 *
 * @throws ModelError with the place of the first mistake; nothing else, whatever the text.
 */
export function parseYaml(text: string): YamlFile {
  const lines = new Lines(text)
  try {
    const document = parseDocument(text, { keepSourceTokens: true, logLevel: 'silent', prettyErrors: false })
    const [error] = document.errors
    // A message of the parser may quote what it could not read, and that may be a password.
    if (error) throw new ModelError(error.message.replace(/:? ".*$|: .*$/s, ''), lines.position(error.pos[0]))
    return new YamlFile(text, document)
  } catch (error) {
    if (error instanceof ModelError) throw error
    // The parser recurses.
    throw new ModelError('it is nested too deeply to be read', lines.position(0))
  }
}

/** One key of a mapping. */
export interface Entry {
  readonly key: string
  /** Where the key and its value are written. */
  readonly at: Span
  readonly keyAt: Span
  /** With aliases followed; undefined for an empty value. */
  readonly value: Node | undefined
  readonly pair: Pair
  /** It comes from another mapping by `<<`, or that mapping comes by an alias. */
  readonly borrowed: boolean
}

/** The keys of a mapping, its own first, then those that `<<` adds; none for anything else. */
export function entriesOf(file: YamlFile, node: unknown): Entry[] {
  const found = new Map<string, Entry>()
  gather(file, node, false, found, new Set())
  return [...found.values()]
}

/** A mapping that was seen already adds nothing, so that cycles and towers of merges end. */
function gather(
  file: YamlFile,
  node: unknown,
  borrowed: boolean,
  found: Map<string, Entry>,
  seen: Set<Node>,
): void {
  const map = file.resolve(node)
  if (!isMap(map) || seen.has(map)) return
  seen.add(map)
  const far = borrowed || isAlias(node)
  const merged: unknown[] = []
  for (const pair of map.items) {
    const key = textOf(file, pair.key)
    if (key === undefined) continue
    if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') merged.push(pair.value)
    else if (!found.has(key)) found.set(key, entryOf(file, key, pair, far))
  }
  for (const value of merged.flatMap(one => listed(file, one))) gather(file, value, true, found, seen)
}

/** `<<` takes a mapping, or a list of them, of which the first has precedence. */
function listed(file: YamlFile, value: unknown): unknown[] {
  const node = file.resolve(value)
  return isSeq(node) ? [...node.items] : [value]
}

function entryOf(file: YamlFile, key: string, pair: Pair, borrowed: boolean): Entry {
  const keyAt = spanOf(pair.key)
  const value = file.resolve(pair.value)
  const to = Math.max(keyAt.to, spanOf(pair.value).to)
  return {
    key,
    at: { from: keyAt.from, to },
    keyAt,
    value: isNothing(value) ? undefined : value,
    pair,
    borrowed,
  }
}

export const entryAt = (file: YamlFile, node: unknown, key: string): Entry | undefined =>
  entriesOf(file, node).find(entry => entry.key === key)

/** The value under a key, with aliases followed. */
export const valueAt = (file: YamlFile, node: unknown, key: string): Node | undefined =>
  entryAt(file, node, key)?.value

/** The items of a list, with aliases followed; none for anything else. */
export function itemsOf(file: YamlFile, node: unknown): Node[] {
  const list = file.resolve(node)
  if (!isSeq(list)) return []
  return list.items.flatMap(item => file.resolve(item) ?? [])
}

/** The text of a scalar as it is written, without quotes: `5432`, `yes`, `1.0`. Undefined for what is none. */
export function textOf(file: YamlFile, node: unknown): string | undefined {
  const scalar = file.resolve(node)
  if (!isScalar(scalar)) return undefined
  if (typeof scalar.value === 'string') return scalar.value
  return (scalar as Scalar).source ?? (scalar.value === null ? '' : String(scalar.value))
}

export const isMapping = (node: unknown): node is YAMLMap => isMap(node)

const isNothing = (node: unknown): boolean =>
  isScalar(node) && node.value === null && !(node as Scalar).source

/** Without the comments and the white space behind it. */
export function spanOf(node: unknown): Span {
  const [from = 0, to = from] = (node as Node | null)?.range ?? []
  return { from, to }
}
