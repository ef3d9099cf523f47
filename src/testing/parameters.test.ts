import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixturesOf, NotDestructured } from './parameters.js'

/** From source text, so that no transform comes between. */
const made = (source: string) => new Function(`return ${source}`)() as () => unknown
const names = (source: string) => fixturesOf(made(source))

describe('a test asks by the names in its first parameter', () => {
  test.each([
    ['({ postgres }) => {}', ['postgres']],
    ['async ({ postgres, redis, }) => {}', ['postgres', 'redis']],
    ['async function ({ postgres }) {}', ['postgres']],
    ['function* named({ postgres }) {}', ['postgres']],
    ['({ async({ redis }) {} }).async', ['redis']],
    ['({ async *["a(b"]({ redis }) {} })["a(b"]', ['redis']],
    ['({ postgres: { url }, redis: [a, { b }] }) => {}', ['postgres', 'redis']],
    ['({ "audit-db": db, \'b\\\'c\': c, "\\u{61}\\x62": d, 1: e }) => {}', ['audit-db', "b'c", 'ab', '1']],
    [`({ postgres = "}", redis = \`\${"}" + \`}\`}\` } = {}) => {}`, ['postgres', 'redis']],
    ['({ a = /[/}]\\/}/g, b = 4 / 2, c = (1) / 2 / 3, d = () => ({ x }) }) => {}', ['a', 'b', 'c', 'd']],
    ['(/* { a } */ { // b\n postgres /* c */ }) => {}', ['postgres']],
    ['({}) => {}', []],
    ['({ postgres },) => {}', ['postgres']],
  ])('%s', (source, expected) => expect(names(source)).toEqual(expected))

  test('also where TypeScript has made a generator of an async function', () => {
    const __awaiter = () => {}
    const fn = new Function(
      '__awaiter',
      'return (_a) => __awaiter(void 0, [_a], void 0, function* ({ redis }) {})',
    )
    expect(fixturesOf(fn(__awaiter))).toEqual(['redis'])
  })
})

test.each([
  'done => done()',
  'async done => {}',
  '(done) => done()',
  'function (done) {}',
  '(cb, ...more) => {}',
  '() => {}',
  'async () => {}',
  'async () => ({ a }) => a',
  'function () {}',
  '(...args) => args',
  '(({ postgres }) => postgres).bind(null)',
])('%s asks for nothing, and stays as it is', source => expect(names(source)).toBeUndefined())

describe('what does not say its names is refused with what to write', () => {
  test.each([
    ['context => {}', '`context`'],
    ['async context => {}', '`context`'],
    ['(ctx) => {}', '`ctx`'],
    ['function (_a) {}', '`_a`'],
    ['([a]) => {}', '`[…]`'],
    ['({ a, ...others }) => {}', '`{ ...others }`'],
    ['({ ["a"]: b }) => {}', '`{ […]: … }`'],
  ])('%s', (source, found) => {
    expect(() => names(source)).toThrow(NotDestructured)
    expect(() => names(source)).toThrow(`as in ({ postgres }) => …, and here it is ${found}`)
  })

  test('a callback beside names', () => {
    expect(() => names('({ postgres }, done) => {}')).toThrow('return a promise instead of calling done')
  })
})

const identifier = fc
  .stringMatching(/^[a-zA-Z_$][\w$]{0,6}$/)
  .filter(
    name =>
      !/^(do|if|in|for|let|new|try|var|case|else|enum|eval|null|this|true|void|with|async|await|break|catch|class|const|false|super|throw|while|yield|delete|export|import|public|return|static|switch|typeof|default|package|private)$/.test(
        name,
      ),
  )
const text = fc.string().map(it => JSON.stringify(it))
const value: fc.Arbitrary<string> = fc.letrec<{ value: string }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    text,
    fc.nat().map(String),
    fc.string().map(it => `\`${it.replace(/[\\`$]/g, '')}\${1}\``),
    fc.constantFrom('/[}/]\\//u', '8 / 2', '/a/.test("}") / 1', `\`\${'}'}\``, '/* } */ 1', '(1) / 2'),
    tie('value').map(it => `({ a: ${it} })`),
    tie('value').map(it => `[${it}, ${it}]`),
    tie('value').map(it => `({ x = ${it} }, y) => { return ${it} }`),
  ),
})).value
const blank = fc.constantFrom('', ' ', '\n', '/* } , */', '// } )\n')

test('names are found whatever the defaults, the inner patterns and the comments are', () => {
  const property = fc
    .record({ key: identifier, inner: fc.option(identifier), value: fc.option(value), blank })
    .map(({ key, inner, value, blank }, ..._rest) => ({
      key,
      source: (i: number) =>
        `${blank}${key}${blank}: ${inner ? `{ ${inner}: v${i} }` : `v${i}`}${value ? ` = ${value}` : ''}${blank}`,
    }))
  fc.assert(
    fc.property(
      fc.array(property, { maxLength: 4 }),
      fc.constantFrom(
        'PATTERN => 1',
        'async (PATTERN) => {}',
        'function (PATTERN = {}) {}',
        'async function* f(PATTERN) {}',
      ),
      blank,
      (properties, form, space) => {
        const pattern = `{${properties.map(({ source }, i) => source(i)).join(',')}${space}}`
        const source = form.replace('PATTERN =>', '(PATTERN) =>').replace('PATTERN', () => pattern)
        expect(names(source)).toEqual(properties.map(({ key }) => key))
      },
    ),
  )
})

test('no text of a function makes it hang or throw anything else', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'({[`$"\'/\\*,:=>.ab ])}', '\n'), maxLength: 30 }),
      source => {
        const fn = Object.assign(() => {}, {})
        const original = Function.prototype.toString
        Function.prototype.toString = () => source
        try {
          fixturesOf(fn)
        } catch (error) {
          expect(error).toBeInstanceOf(NotDestructured)
        } finally {
          Function.prototype.toString = original
        }
      },
    ),
  )
})
