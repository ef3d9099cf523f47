import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCompose } from './compose.js'
import { dependOn } from './compose-edit.js'
import { applyEdits } from './text.js'

function wait(app: string, on = 'db', healthy: readonly string[] = []): string | undefined {
  const text = `services:\n  app:\n    image: x\n${app}`
  const file = parseCompose(text)
  const service = file.services.get('app')
  const edits = service && dependOn(file, service, on, new Set(healthy))
  return edits && applyEdits(text, edits).split('\n').slice(3).join('\n')
}

test.each([
  ['no depends_on', '', '    depends_on:\n      db:\n        condition: service_healthy\n'],
  [
    'a list, whose comments stay',
    '    depends_on: # order\n      - db # first\n      # then\n      - "mq"\n\n    tty: true\n',
    '    depends_on: # order\n      db: # first\n        condition: service_healthy\n      # then\n      "mq":\n        condition: service_started\n\n    tty: true\n',
  ],
  [
    'a list without indentation',
    '    depends_on:\n    - mq\n    tty: true\n',
    '    depends_on:\n      mq:\n        condition: service_started\n      db:\n        condition: service_healthy\n    tty: true\n',
  ],
  [
    'a list on one line',
    '    depends_on: [mq, db] # order\n',
    '    depends_on: { mq: { condition: service_started }, db: { condition: service_healthy } } # order\n',
  ],
  [
    'a list on one line without it',
    '    depends_on: [mq]\n',
    '    depends_on: { mq: { condition: service_started }, db: { condition: service_healthy } }\n',
  ],
  [
    'a mapping without it',
    '    depends_on:\n      mq: { condition: service_started }\n',
    '    depends_on:\n      mq: { condition: service_started }\n      db:\n        condition: service_healthy\n',
  ],
  [
    'a mapping without a condition',
    '    depends_on:\n      db:\n        restart: true\n',
    '    depends_on:\n      db:\n        restart: true\n        condition: service_healthy\n',
  ],
  ['an empty entry', '    depends_on: { db: }\n', '    depends_on: { db: { condition: service_healthy } }\n'],
  [
    'a condition, which stays',
    '    depends_on: { db: { condition: service_started } }\n',
    '    depends_on: { db: { condition: service_started } }\n',
  ],
])('waits for health where there was %s', (_, before, after) => {
  expect(wait(before)).toBe(after)
})

test.each([
  [
    '    depends_on:\n      -   db\n      - mq\n      - job\n',
    '    depends_on:\n      db:\n        condition: service_healthy\n      mq:\n        condition: service_healthy\n      job:\n        condition: service_started\n',
  ],
  [
    '    depends_on: [db, mq, job]\n',
    '    depends_on: { db: { condition: service_healthy }, mq: { condition: service_healthy }, job: { condition: service_started } }\n',
  ],
])(
  'a list is read as a whole: what has a health check is waited for, the rest is started: %j',
  (before, after) => {
    expect(wait(before, 'db', ['db', 'mq'])).toBe(after)
  },
)

test.each(['    depends_on: &d [db]\n', '    <<: { depends_on: [db] }\n'])(
  'what others may share is left to its author: %j',
  text => {
    expect(wait(text)).toBeUndefined()
  },
)

test('goes further in by as much as the file does', () => {
  const text = 'services:\n    app:\n        image: x\n        depends_on:\n        - mq\n'
  const file = parseCompose(text)
  const app = file.services.get('app')
  const edited = applyEdits(text, (app && dependOn(file, app, 'db')) ?? [])
  expect(edited.split('\n').slice(4, 8)).toEqual([
    '            mq:',
    '                condition: service_started',
    '            db:',
    '                condition: service_healthy',
  ])
})

const name = fc.constantFrom('db', 'mq', 'redis', '"quoted"', "'q'")
const list = fc.record({
  names: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }),
  indent: fc.constantFrom(4, 6, 8),
  gap: fc.constantFrom(' ', '   '),
  comments: fc.array(fc.constantFrom('', ' # why', '\n      # a line', '\n'), { minLength: 4, maxLength: 4 }),
  flow: fc.boolean(),
  crlf: fc.boolean(),
  rest: fc.constantFrom('', '    tty: true\n', '\n  other: { image: y }\n'),
})

test('however a list is written, its services stay and one of them is waited for; once is enough', () => {
  fc.assert(
    fc.property(
      list,
      fc.constantFrom('db', 'redis'),
      ({ names, indent, gap, comments, flow, crlf, rest }, on) => {
        const items = names.map((one, i) => `${' '.repeat(indent)}-${gap}${one}${comments[i]}\n`).join('')
        const value = flow ? ` [${names.join(', ')}]\n` : `\n${items}`
        const lines = `services:\n  app:\n    image: x\n    depends_on:${value}${rest}`
        const text = crlf ? lines.replaceAll('\n', '\r\n') : lines
        const file = parseCompose(text)
        const app = file.services.get('app')
        const edits = (app && dependOn(file, app, on)) ?? []
        const edited = applyEdits(text, edits)
        const after = parseCompose(edited)
        const found = after.services.get('app')
        const plain = names.map(one => one.replace(/["']/g, ''))
        const expected = [...plain, ...(plain.includes(on) ? [] : [on])]
        expect(found?.dependsOn.map(({ service }) => service)).toEqual(expected)
        expect(
          found?.dependsOn
            .filter(({ condition }) => condition === 'service_healthy')
            .map(({ service }) => service),
        ).toEqual([on])
        expect([...after.services.keys()]).toEqual([...file.services.keys()])
        for (const comment of text.match(/#.*/g) ?? []) expect(edited).toContain(comment)
        expect(found && dependOn(after, found, on)).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})
