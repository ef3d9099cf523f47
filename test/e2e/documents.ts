/** Readers of what the command line writes for programs, stricter than most. */
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'

const schema = JSON.parse(
  readFileSync(new URL('../../schema/output.schema.json', import.meta.url), 'utf8'),
) as object

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

const validate = new Ajv({
  allErrors: true,
  strict: true,
  strictRequired: false,
  formats: { 'date-time': DATE_TIME },
}).compile(schema)

/** How a document differs from the schema that ships; empty is good. */
export function differences(document: unknown): string[] {
  if (validate(document)) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: Element[]
  text: string
}

/** The root of an XML document of elements, attributes and text. Throws where it is not well-formed. */
export function parseXml(text: string): Element {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has none of them
  const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])/.exec(text)
  if (forbidden) throw new Error(`no character of XML: ${JSON.stringify(forbidden[0])}`)
  const root: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [root]
  const token = /<\?xml [^>]*\?>|<(\/?)([a-z-]+)((?:\s+[a-z]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy
  const body = text.trim()
  while (token.lastIndex < body.length) {
    const at = token.lastIndex
    const match = token.exec(body)
    if (!match) throw new Error(`not well-formed at: ${body.slice(at, at + 80)}`)
    const [, closes, name, attributes = '', empty, content] = match
    const parent = open.at(-1) as Element
    if (content !== undefined) parent.text += unescaped(content)
    else if (closes) {
      if (parent.name !== name) throw new Error(`</${name}> closes <${parent.name}>`)
      open.pop()
    } else if (name !== undefined) {
      const pairs = [...attributes.matchAll(/([a-z]+)="([^"]*)"/g)]
      const values = pairs.map(([, key = '', value = '']) => [key, unescaped(value)] as const)
      const element: Element = { name, attributes: Object.fromEntries(values), children: [], text: '' }
      parent.children.push(element)
      if (!empty) open.push(element)
    }
  }
  const [only, ...more] = root.children
  if (open.length !== 1 || !only || more.length > 0) throw new Error('not one closed root')
  return only
}

function unescaped(text: string): string {
  return text.replace(/&(\w*;?)/g, (_, entity: string) => {
    const character = { 'amp;': '&', 'lt;': '<', 'gt;': '>', 'quot;': '"', 'apos;': "'" }[entity]
    if (character === undefined) throw new Error(`&${entity} is no entity`)
    return character
  })
}

/** What a terminal shows in the end, line by line: it obeys the few sequences that holdfast writes. */
export function screenOf(output: string): string[] {
  const lines = ['']
  let row = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: sequences of a terminal
  for (const [token, count, command] of output.matchAll(/\x1b\[(\d*)([A-Za-z])|\r\n|\r|\n|[^\x1b\r\n]+/g)) {
    if (command === 'A') row = Math.max(0, row - Number(count || 1))
    else if (command === 'J') lines.splice(row, lines.length, '')
    else if (command === 'm' || token === '\r') continue
    else if (command !== undefined) throw new Error(`the terminal was told ${JSON.stringify(token)}`)
    else if (token === '\n' || token === '\r\n') lines[++row] ??= ''
    else lines[row] += token
  }
  return lines
}

/** Anything a terminal, a log viewer or a reader of Unicode would obey instead of show; line ends aside. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
export const OBEYED = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/
