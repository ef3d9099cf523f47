/** The variables that stand behind `$NAME`. */
export type Variables = Readonly<Record<string, string | undefined>>

export interface Interpolated {
  readonly value: string
  /** Variables that are not set and have no default; those of `${NAME:?…}` are what Compose stops at. */
  readonly missing: readonly string[]
  readonly required: readonly string[]
}

const NAME = /[A-Za-z_]\w*/y
const nameAt = (text: string, at: number): string | undefined => {
  NAME.lastIndex = at
  return NAME.exec(text)?.[0]
}
const DEPTH = 50

/**
 * A value as Compose reads it: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?error}`,
 * `${NAME?error}`, `${NAME:+other}`, `${NAME+other}`, and `$$` for one dollar. What is none of these stays.
 * Source: Compose specification, 12-interpolation.md.
 */
export function interpolate(text: string, variables: Variables): Interpolated {
  const missing = new Set<string>()
  const required = new Set<string>()
  const value = expand(text, 0)
  return { value, missing: [...missing], required: [...required] }

  function expand(text: string, depth: number): string {
    let result = ''
    const ends = closings(text)
    for (let at = 0; at < text.length; ) {
      const dollar = text.indexOf('$', at)
      if (dollar < 0) return result + text.slice(at)
      result += text.slice(at, dollar)
      const next = text[dollar + 1]
      const name = nameAt(text, dollar + 1)
      const close = next === '{' && depth < DEPTH ? (ends.get(dollar + 1) ?? -1) : -1
      if (next === '$') {
        result += '$'
        at = dollar + 2
      } else if (name) {
        result += plain(name)
        at = dollar + 1 + name.length
      } else if (close >= 0) {
        const inner = text.slice(dollar + 2, close)
        result += braced(inner, depth) ?? text.slice(dollar, close + 1)
        at = close + 1
      } else {
        result += '$'
        at = dollar + 1
      }
    }
    return result
  }

  function plain(name: string): string {
    const value = variables[name]
    if (value === undefined) missing.add(name)
    return value ?? ''
  }

  function braced(inner: string, depth: number): string | undefined {
    const name = nameAt(inner, 0)
    if (!name) return undefined
    const rest = inner.slice(name.length)
    if (rest === '') return plain(name)
    const [, colon = '', sign, word = ''] = /^(:?)([-?+])([\s\S]*)$/.exec(rest) ?? []
    if (!sign) return undefined
    const value = variables[name]
    const there = value !== undefined && (colon === '' || value !== '')
    if (sign === '+') return there ? expand(word, depth + 1) : ''
    if (there) return value
    if (sign === '-') return expand(word, depth + 1)
    missing.add(name)
    required.add(name)
    return ''
  }
}

/** Where each brace closes that follows a dollar, by where it opens. */
function closings(text: string): Map<number, number> {
  const open: number[] = []
  const found = new Map<number, number>()
  for (const { 0: brace, index } of text.matchAll(/(?<=\$)\{|\}/g)) {
    if (brace === '{') open.push(index)
    else if (open.length > 0) found.set(open.pop() ?? 0, index)
  }
  return found
}

/** A file of `NAME=value` lines as Compose reads `.env`: comments, `export`, quotes; a later line wins. */
export function parseDotenv(text: string): Map<string, string> {
  const found = new Map<string, string>()
  const line = /^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*('[^']*'|"(?:\\[\s\S]|[^"\\])*"|[^\r\n]*)/gm
  for (const [, name = '', raw = ''] of text.matchAll(line)) found.set(name, unquote(raw))
  return found
}

function unquote(raw: string): string {
  if (/^'[^']*'$/.test(raw)) return raw.slice(1, -1)
  if (/^"[\s\S]*"$/.test(raw) && raw.length > 1)
    return raw
      .slice(1, -1)
      .replace(/\\(["\\$nrt])/g, (_, one: string) => ({ n: '\n', r: '\r', t: '\t' })[one] ?? one)
  return raw.replace(/(^|[ \t])#.*$/, '').trim()
}
