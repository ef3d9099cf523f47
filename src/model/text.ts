/** A place in a text. Lines and columns count from 1, columns in UTF-16 units; `offset` counts from 0. */
export interface Position {
  readonly line: number
  readonly column: number
  readonly offset: number
}

/** A stretch of a text, by offsets; `to` is behind its last character. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Puts `insert` in place of a stretch. */
export interface Edit extends Span {
  readonly insert: string
}

/** The text is not what the model can read. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  constructor(
    message: string,
    readonly position: Position,
  ) {
    super(message)
  }
}

/** Finds lines and columns of offsets in one text. */
export class Lines {
  readonly #starts: number[] = [0]
  constructor(readonly text: string) {
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  /** An offset outside of the text counts as its nearest end. */
  position(offset: number): Position {
    const at = Math.min(Math.max(offset, 0), this.text.length)
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#starts[middle] ?? 0) <= at) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: at - (this.#starts[low] ?? 0) + 1, offset: at }
  }
}

/** How the text ends its lines: by the first that it has. */
export const lineEnding = (text: string): '\n' | '\r\n' =>
  /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n'

/**
 * The text after all edits, whose offsets are those of the text before any. Insertions at one place keep their order.
 *
 * @throws RangeError where two edits overlap, or one lies outside of the text.
 */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const sorted = edits
    .map((edit, i) => ({ ...edit, i }))
    .sort((a, b) => a.from - b.from || a.to - b.to || a.i - b.i)
  let result = ''
  let at = 0
  for (const { from, to, insert } of sorted) {
    if (from < at || to < from || to > text.length)
      throw new RangeError(`an edit of ${from}-${to} overlaps, or is outside`)
    result += text.slice(at, from) + insert
    at = to
  }
  return result + text.slice(at)
}
