import { isScalar, parseDocument } from 'yaml'

/** What an edit writes. */
export type Tree = string | number | boolean | null | readonly Tree[] | { readonly [key: string]: Tree }

/**
 * A value in block style, a string a line, without indentation of its own; each level is `step` blanks further in.
 * Short lists of scalars stay on a line.
 */
export function block(value: Tree, step = 2): string[] {
  if (Array.isArray(value) && !isInline(value)) return value.flatMap(item => attach('-', item, step, `- `))
  if (isMapping(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, one]) => attach(`${scalar(key)}:`, one, step))
  return [flow(value)]
}

/** What follows `key:` or `-`: on the same line, or indented below it. */
function attach(head: string, value: Tree, step: number, same = ''): string[] {
  const deeper = (line: string) => line && ' '.repeat(same.length || step) + line
  if (typeof value === 'string' && isFolded(value)) return [`${head} |-`, ...value.split('\n').map(deeper)]
  const lines = block(value, step)
  const nested = typeof value === 'object' && value !== null && !isInline(value)
  if (!nested) return [`${head} ${lines[0]}`]
  if (!same) return [head, ...lines.map(deeper)]
  return lines.map((line, i) => (i === 0 ? same + line : deeper(line)))
}

/** A text of several lines that a literal block can hold as it is. */
const isFolded = (text: string): boolean =>
  text.includes('\n') &&
  text.split('\n').every((line, i) => /^[\x20-\x7e]*$/.test(line) && (i > 0 || /^\S/.test(line))) &&
  !/\s$/.test(text)

const isMapping = (value: Tree): value is { readonly [key: string]: Tree } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isInline = (value: Tree): boolean => {
  if (typeof value !== 'object' || value === null) return true
  const items = Object.values(value)
  return (
    items.length === 0 ||
    (Array.isArray(value) && items.every(one => typeof one !== 'object' || one === null))
  )
}

/** A value in flow style, on one line. With `json` every text is quoted. */
export function flow(value: Tree, json = false): string {
  if (Array.isArray(value))
    return `[${value.map(one => (json || typeof one !== 'string' ? flow(one, json) : JSON.stringify(one))).join(', ')}]`
  if (isMapping(value)) {
    const pairs = Object.entries(value).map(
      ([key, one]) => `${json ? JSON.stringify(key) : scalar(key)}: ${flow(one, json)}`,
    )
    return pairs.length === 0 ? '{}' : json ? `{${pairs.join(', ')}}` : `{ ${pairs.join(', ')} }`
  }
  return typeof value === 'string' && !json ? scalar(value) : JSON.stringify(value)
}

/** A text as YAML writes it on one line, plain where that means the same in every place. */
export function scalar(text: string): string {
  if (!/^[A-Za-z0-9_./$](?:[A-Za-z0-9_./$()=?~^;+@ -]|:(?=\S))*$/.test(text) || text.endsWith(' '))
    return quote(text)
  const node = parseDocument(text).contents
  // What YAML 1.1 reads as true, false or a number is quoted, for those that still read it.
  const doubtful = /^(yes|no|on|off|true|false|null|~)$|^[\d.:_]+$/i.test(text)
  return isScalar(node) && node.value === text && !doubtful ? text : quote(text)
}

const quote = (text: string): string =>
  // What is full of quotes is easier to read in the other ones.
  /^[\x20-\x7e]*$/.test(text) && text.includes('"') && !text.includes("'") ? `'${text}'` : escaped(text)

/** JSON is YAML but for what JSON leaves unescaped and YAML does not allow. */
const escaped = (text: string): string =>
  JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
