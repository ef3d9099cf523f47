/** ClickHouse's format TabSeparated. Source: ClickHouse documentation, "Formats for input and output data". */

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  r: '\r',
  n: '\n',
  t: '\t',
  '0': '\0',
  a: '\x07',
  v: '\v',
}

/** The rows of a text, at most `limit`; `\N` is null. A last line without its end counts as a row. */
export function tabSeparated(text: string, limit: number, escaped = true): (string | null)[][] {
  const rows: (string | null)[][] = []
  for (let at = 0; at < text.length && rows.length < limit; ) {
    const found = text.indexOf('\n', at)
    const end = found < 0 ? text.length : found
    const cells = text.slice(at, end).split('\t')
    rows.push(escaped ? cells.map(cell) : cells)
    at = end + 1
  }
  return rows
}

function cell(text: string): string | null {
  if (text === '\\N') return null
  return text.replace(/\\([\s\S])/g, (_, letter: string) => ESCAPES[letter] ?? letter)
}
