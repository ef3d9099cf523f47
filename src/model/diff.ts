/** One line of a comparison. */
interface Change {
  readonly sign: ' ' | '-' | '+'
  readonly line: string
}

const NO_NEWLINE = '\\ No newline at end of file'

/**
 * What changes between two texts, as `diff -u` writes it; empty where they are equal. `before` undefined: the file is
 * new. The lines are those of the texts: whoever prints them hides what is secret.
 */
export function unifiedDiff(path: string, before: string | undefined, after: string, context = 3): string {
  if (before === after) return ''
  const changes = compare(linesOf(before ?? ''), linesOf(after))
  const heading = [`--- ${before === undefined ? '/dev/null' : `a/${path}`}`, `+++ b/${path}`]
  return `${[...heading, ...hunks(changes, context)].join('\n')}\n`
}

/** With their ends, so that a missing last newline is a difference. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? []

function hunks(changes: readonly Change[], context: number): string[] {
  const touched = changes.flatMap(({ sign }, i) => (sign === ' ' ? [] : [i]))
  const lines: string[] = []
  for (let i = 0; i < touched.length; ) {
    const first = touched[i] ?? 0
    let last = first
    while (i < touched.length && (touched[i] ?? 0) - last <= 2 * context) last = touched[i++] ?? last
    const from = Math.max(0, first - context)
    const part = changes.slice(from, last + context + 1)
    lines.push(`@@ -${range(changes, from, part, '+')} +${range(changes, from, part, '-')} @@`)
    for (const { sign, line } of part) {
      lines.push(`${sign}${line.replace(/\n$/, '')}`)
      if (!line.endsWith('\n')) lines.push(NO_NEWLINE)
    }
  }
  return lines
}

/** Start and length on the side that does not have lines of the sign `other`. */
function range(changes: readonly Change[], from: number, part: readonly Change[], other: '+' | '-'): string {
  const count = (list: readonly Change[]) => list.filter(({ sign }) => sign !== other).length
  const before = count(changes.slice(0, from))
  const length = count(part)
  const start = length === 0 ? before : before + 1
  return length === 1 ? `${start}` : `${start},${length}`
}

/** The shortest way from one list to the other: Myers, "An O(ND) Difference Algorithm" (1986). */
function compare(a: readonly string[], b: readonly string[]): Change[] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const same = (lines: readonly string[]) => lines.map((line): Change => ({ sign: ' ', line }))
  return [
    ...same(a.slice(0, head)),
    ...shortest(a.slice(head, a.length - tail), b.slice(head, b.length - tail)),
    ...same(a.slice(a.length - tail)),
  ]
}

function shortest(a: readonly string[], b: readonly string[]): Change[] {
  /** Per number of changes: how far along `a` each diagonal (place in `a` minus place in `b`) gets. */
  const rounds: Map<number, number>[] = []
  let reach = new Map([[1, 0]])
  const down = (k: number, d: number) =>
    k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1))
  for (let d = 0; d <= a.length + b.length; d++) {
    rounds.push(new Map(reach))
    for (let k = -d; k <= d; k += 2) {
      let x = down(k, d) ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++
      reach.set(k, x)
      if (x >= a.length && x - k >= b.length) {
        rounds.push(new Map(reach))
        return back(a, b, rounds, d)
      }
    }
  }
  return []

  function back(
    a: readonly string[],
    b: readonly string[],
    rounds: readonly Map<number, number>[],
    last: number,
  ) {
    const changes: Change[] = []
    let x = a.length
    let y = b.length
    for (let d = last; d >= 0; d--) {
      reach = rounds[d] ?? new Map()
      const k = x - y
      const from = down(k, d) ? k + 1 : k - 1
      const px = d === 0 ? 0 : (reach.get(from) ?? 0)
      const py = d === 0 ? 0 : px - from
      while (x > px && y > py) {
        changes.push({ sign: ' ', line: a[--x] ?? '' })
        y--
      }
      if (d > 0) changes.push(x > px ? { sign: '-', line: a[--x] ?? '' } : { sign: '+', line: b[--y] ?? '' })
    }
    return changes.reverse()
  }
}
