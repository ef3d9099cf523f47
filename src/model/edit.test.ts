import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isMap, type YAMLMap } from 'yaml'
import { setKey } from './edit.js'
import { block, flow, type Tree } from './render.js'
import { applyEdits } from './text.js'
import { parseYaml, valueAt } from './yaml.js'

const at = (file: ReturnType<typeof parseYaml>, path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (node, key) => (typeof key === 'number' ? (node as YAMLMap).items[key] : valueAt(file, node, key)),
    file.root,
  )

function set(text: string, path: readonly (string | number)[], key: string, value: Tree): string | undefined {
  const file = parseYaml(text)
  const edits = setKey(file, at(file, path), key, value)
  return edits && applyEdits(text, edits)
}

describe('a key that a mapping does not have', () => {
  test('becomes its last one, in its indentation, before the comments that follow', () => {
    const text =
      'services:\n    db:\n        image: postgres # pinned?\n\n    # the program\n    app: { build: . }\n'
    expect(set(text, ['services', 'db'], 'healthcheck', { test: ['CMD', 'true'], retries: 5 })).toBe(
      'services:\n    db:\n        image: postgres # pinned?\n        healthcheck:\n            test: ["CMD", "true"]\n            retries: 5\n\n    # the program\n    app: { build: . }\n',
    )
  })

  test('is written on the same line where the mapping is', () => {
    expect(
      set('app: { build: . } # x\n', ['app'], 'depends_on', { db: { condition: 'service_healthy' } }),
    ).toBe('app: { build: ., depends_on: { db: { condition: service_healthy } } } # x\n')
    expect(set('app: {}\n', ['app'], 'a', 1)).toBe('app: { a: 1 }\n')
    expect(set('app: {\n  a: 1, # one\n}\n', ['app'], 'b', 2)).toBe('app: {\n  a: 1, b: 2 # one\n}\n')
  })

  test('keeps the quotes of JSON', () => {
    expect(set('{"a": {"b": 1}}', ['a'], 'c', { d: ['e'] })).toBe('{"a": {"b": 1, "c": {"d": ["e"]}}}')
  })

  test('keeps the line endings, and the missing one at the end', () => {
    expect(set('a:\r\n  b: 1\r\nc: 2', ['a'], 'd', { e: 1 })).toBe('a:\r\n  b: 1\r\n  d:\r\n    e: 1\r\nc: 2')
    expect(set('a:\n  b: 1', ['a'], 'c', 2)).toBe('a:\n  b: 1\n  c: 2')
  })

  test.each([
    ['a block scalar', 'a:\n  b: |\n    x\n\nc: 1\n', 'a:\n  b: |\n    x\n  n: 1\n\nc: 1\n'],
    [
      'a block scalar that keeps its blank lines',
      'a:\n  b: |+\n    x\n\nc: 1\n',
      'a:\n  b: |+\n    x\n\n  n: 1\nc: 1\n',
    ],
    ['an empty value', 'a:\n  b:\nc: 1\n', 'a:\n  b:\n  n: 1\nc: 1\n'],
    [
      'a list at the same indentation',
      'a:\n  b:\n  - x\n  - y # z\nc: 1\n',
      'a:\n  b:\n  - x\n  - y # z\n  n: 1\nc: 1\n',
    ],
    ['an alias', 'z: &z 1\na:\n  b: *z\nc: 1\n', 'z: &z 1\na:\n  b: *z\n  n: 1\nc: 1\n'],
    ['a quoted text of several lines', 'a:\n  b: "x\n    y"\nc: 1\n', 'a:\n  b: "x\n    y"\n  n: 1\nc: 1\n'],
  ])('goes behind %s', (_, text, expected) => {
    expect(set(text, ['a'], 'n', 1)).toBe(expected)
  })

  test('goes into a mapping in a list', () => {
    expect(set('a:\n- x: 1 # c\n- x: 2\n', ['a', 0], 'y', 2)).toBe('a:\n- x: 1 # c\n  y: 2\n- x: 2\n')
  })
})

describe('a key that a mapping has', () => {
  test.each([
    ['a: 1 # why\nb: 2\n', 2, 'a: 2 # why\nb: 2\n'],
    ['a: # why\nb: 2\n', 2, 'a: 2 # why\nb: 2\n'],
    ['a: [x, y] # why\n', ['z'], 'a: ["z"] # why\n'],
    [
      'a:\n  # first\n  b: 1\n  c: 2 # last\nd: 1\n',
      { e: 3, f: 4 },
      'a:\n  # first\n  e: 3\n  f: 4 # last\nd: 1\n',
    ],
  ])('gets a new value in place of the old one: %j', (text, value, expected) => {
    expect(set(text, [], 'a', value as Tree)).toBe(expected)
  })

  test('stays as it is where it has the value, however it is written', () => {
    const text = 'a: {b: "x", c: [1, 0x10]}\n'
    expect(set(text, [], 'a', { b: 'x', c: [1, 16] })).toBe(text)
  })

  test('is left alone where others read its value by an anchor', () => {
    expect(set('a: &x 1\nb: *x\n', [], 'a', 2)).toBeUndefined()
  })
})

test('a key that comes from a merge is written into the mapping, which has precedence', () => {
  expect(set('x: &x\n  a: 1\ny:\n  <<: *x\n', ['y'], 'a', 2)).toBe('x: &x\n  a: 1\ny:\n  <<: *x\n  a: 2\n')
})

const word = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/),
  fc.constantFrom('on', 'null', 'a b', '5', 'x: y', '#c', '', "it's", 'é\u2028', '- a', '<<<'),
)
const { tree } = fc.letrec<{ tree: Tree }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.oneof(
      word,
      fc.integer({ min: -9, max: 99 }),
      fc.boolean(),
      fc.constant(null),
      fc.constant('two\nlines'),
      fc.string({ maxLength: 8, unit: 'binary' }),
    ),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(word, tie('tree'), { maxKeys: 3 }),
  ),
}))
const mapping = fc.dictionary(word, tree, { minKeys: 1, maxKeys: 4 })

const parsed = (text: string): unknown => parseYaml(text).document.toJS()

test('what is rendered is read as the same value', () => {
  fc.assert(
    fc.property(tree, value => {
      expect(parsed(block(value).join('\n'))).toEqual(value)
      expect(parsed(flow(value))).toEqual(value)
      expect(JSON.parse(flow(value, true))).toEqual(value)
    }),
  )
})

/** A text of the value with comments between its lines, some of its mappings in flow style. */
const document = fc
  .record({
    value: mapping,
    comments: fc.array(fc.nat(40), { maxLength: 4 }),
    crlf: fc.boolean(),
    end: fc.boolean(),
    wide: fc.boolean(),
  })
  .map(({ value, comments, crlf, end, wide }) => {
    const plain = block(value)
    // Doubling the indentation of a mapping behind a dash would tear it apart.
    const widen = wide && !plain.some(line => /^ *- /.test(line))
    const lines = plain.map(line => (widen ? line.replace(/^ +/, all => all + all) : line))
    for (const one of comments) {
      const i = one % lines.length
      const inBlock = lines.some(line => line.endsWith('|-'))
      if (!inBlock) lines.splice(i, 0, '# a comment', '')
    }
    return lines.join(crlf ? '\r\n' : '\n') + (end ? (crlf ? '\r\n' : '\n') : '')
  })

test('an edit changes the key that it is about and nothing else, and a second one changes nothing', () => {
  fc.assert(
    fc.property(document, fc.nat(), word, tree, (text, pick, key, value) => {
      const file = parseYaml(text)
      const paths = mappings(file.root, [])
      const path = paths[pick % paths.length] ?? []
      const edits = setKey(file, file.document.getIn(path, true) ?? file.root, key, value)
      if (!edits) return
      expect(edits.length).toBeLessThan(2)
      const edited = applyEdits(text, edits)
      const expected = file.document.toJS()
      const place = path.reduce<Record<string, unknown>>(
        (node, one) => node[one as string] as Record<string, unknown>,
        expected,
      )
      Object.defineProperty(place, key, { value, enumerable: true, configurable: true, writable: true })
      expect(parsed(edited)).toEqual(expected)
      for (const { from, to, insert } of edits) {
        expect(edited.startsWith(text.slice(0, from))).toBe(true)
        expect(edited.slice(from + insert.length)).toBe(text.slice(to))
      }
      const again = parseYaml(edited)
      expect(setKey(again, again.document.getIn(path, true) ?? again.root, key, value)).toEqual([])
    }),
    { numRuns: 200 },
  )
})

function mappings(node: unknown, path: readonly unknown[]): unknown[][] {
  if (!isMap(node)) return []
  return [
    [...path],
    ...node.items.flatMap(({ key, value }) => mappings(value, [...path, (key as { value: unknown }).value])),
  ]
}
