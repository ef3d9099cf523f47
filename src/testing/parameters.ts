/**
 * What a test asks for by the names in its first parameter, as in `({ postgres, redis }) => …`: known before it runs, so
 * that it can be skipped before any hook. Reads the function's source text, as Vitest and Playwright do.
 */

/** A first parameter from which no names can be read. */
export class NotDestructured extends Error {
  override readonly name = 'NotDestructured'
}

/** TypeScript's form of an async function below ES2017: the parameters are the inner function's. */
const AWAITER = /^\(\w+\)\s*=>\s*__awaiter\([^,]+,\s*\[\w+\],\s*void 0,\s*(?=function\s*\*)/

/** Names that a callback of a test runner has; any other name is taken for an oversight. */
const CALLBACK = /^(done|callback|cb|next)$/

/**
 * The names that `fn` takes from its first parameter; undefined where it has none, or one of these: `done`, `callback`,
 * `cb`, `next`, `...rest`.
 *
 * @throws NotDestructured for `context => …`, `[a]`, `{ ...rest }`, `{ [computed]: a }`, and for a parameter after names.
 */
export function fixturesOf(fn: (...args: never[]) => unknown): string[] | undefined {
  const source = Function.prototype.toString.call(fn)
  if (/\{\s*\[native code\]\s*\}$/.test(source)) return undefined
  const at = parametersAt(source)
  if (at === undefined) return undefined
  const inner = AWAITER.exec(source)?.[0].length
  return new Reader(source, inner === undefined ? at : source.indexOf('(', inner) + 1).names()
}

/** Where the parameters begin. */
function parametersAt(source: string): number | undefined {
  const reader = new Reader(source, 0)
  for (;;) {
    const token = reader.next()
    if (token === '(') return reader.at
    if (token === '=') throw notDestructured(reader.last)
    if (token === '' || token === '=>') return undefined
    if (token === '[') reader.skipTo(']')
    if (reader.bareParameter()) return reader.start
  }
}

function notDestructured(found: string): NotDestructured {
  return new NotDestructured(
    `the first parameter must name what the test needs, as in ({ postgres }) => …, and here it is \`${found}\`. A callback is called done. Where the source says so, a transform has rewritten it: let it keep destructured parameters and async functions (ES2018 or later)`,
  )
}

const IDENTIFIER = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\d[\w.]*/y
/** What a slash after it divides. */
const OPERAND = /[\p{ID_Continue}$)\]}'"`]$/u
const KEYWORD = /^(return|typeof|instanceof|in|of|new|delete|void|throw|await|yield|case|do|else)$/
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/** Reads tokens, over comments; as much of the language as can stand among parameters. */
class Reader {
  /** The last token, and where it began. */
  last = ''
  start = 0

  constructor(
    private readonly source: string,
    public at: number,
  ) {}

  /** A word, a literal, `...`, `=>`, or one character; '' at the end. */
  next(): string {
    this.blank()
    const { source, at: start, last } = this
    const char = source[start] ?? ''
    if (char === '"' || char === "'") this.quoted(char)
    else if (char === '`') this.template()
    else if (char === '/' && (!OPERAND.test(last) || KEYWORD.test(last))) this.regex()
    else if (source.startsWith('...', start)) this.at += 3
    else if (source.startsWith('=>', start)) this.at += 2
    else this.at = this.match(IDENTIFIER) ?? this.match(NUMBER) ?? Math.min(start + 1, source.length)
    this.start = start
    this.last = source.slice(start, this.at)
    return this.last
  }

  /** Past the closing bracket whose opening one is behind. */
  skipTo(closing: string): void {
    for (let token = this.next(); token !== closing && token !== ''; token = this.next()) {
      const inner = CLOSING[token]
      if (inner) this.skipTo(inner)
    }
  }

  /** Is this word a parameter without parentheses, as in `done => …`? */
  bareParameter(): boolean {
    if (!this.match(IDENTIFIER, this.start)) return false
    const { at, last, start } = this
    const arrow = this.next() === '=>'
    Object.assign(this, { at, last, start })
    return arrow
  }

  /** The names in the parameter that begins here. */
  names(): string[] | undefined {
    this.last = '('
    const first = this.next()
    if (first === ')' || first === '' || first === '...' || CALLBACK.test(first)) return undefined
    if (first !== '{') throw notDestructured(first === '[' ? '[…]' : first)
    const names = this.properties()
    // What follows: a default value, then nothing.
    let token = this.next()
    for (; token !== ',' && token !== ')' && token !== ''; token = this.next()) {
      const closing = CLOSING[token]
      if (closing) this.skipTo(closing)
    }
    if (token !== ',') return names
    const second = this.next()
    if (second === ')' || second === '') return names
    throw new NotDestructured(
      `a test that takes ({ ${names.join(', ')} }) takes nothing else, and here it takes \`${second}\`, too: return a promise instead of calling done`,
    )
  }

  /** The keys of a pattern whose `{` is behind. */
  private properties(): string[] {
    const names: string[] = []
    for (let token = this.next(); token !== '}' && token !== ''; token = this.next()) {
      if (token === ',') continue
      if (token === '...') throw notDestructured(`{ ...${this.next()} }`)
      if (token === '[') throw notDestructured('{ […]: … }')
      names.push(/^['"]/.test(token) ? unquoted(token) : token)
      while (token !== ',' && token !== '}' && token !== '') {
        token = this.next()
        const closing = CLOSING[token]
        if (closing) this.skipTo(closing)
      }
      if (token === '}') break
    }
    return names
  }

  private match(pattern: RegExp, at = this.at): number | undefined {
    pattern.lastIndex = at
    return pattern.test(this.source) ? pattern.lastIndex : undefined
  }

  private blank(): void {
    this.at = this.match(/(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n\r\u2028\u2029]*)*/y) ?? this.at
  }

  private quoted(quote: string): void {
    const { source } = this
    this.at++
    while (this.at < source.length && source[this.at] !== quote) this.at += source[this.at] === '\\' ? 2 : 1
    this.at++
  }

  private template(): void {
    const { source } = this
    this.at++
    while (this.at < source.length && source[this.at] !== '`') {
      if (source.startsWith('${', this.at)) {
        this.at += 2
        this.last = '{'
        this.skipTo('}')
      } else this.at += source[this.at] === '\\' ? 2 : 1
    }
    this.at++
  }

  private regex(): void {
    const end = this.match(/\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[])+\/[a-z]*/y)
    this.at = end ?? this.at + 1
  }
}

/** A string's value; escapes that JSON does not know are rare in a name, and stay as they are. */
function unquoted(literal: string): string {
  const text = literal.slice(1, -1)
  return text.replace(
    /\\(?:u\{([\da-f]+)\}|u([\da-f]{4})|x([\da-f]{2})|(.))/giu,
    (_, wide, four, two, other) =>
      other === undefined ? String.fromCodePoint(Number.parseInt(wide ?? four ?? two, 16)) : other,
  )
}
