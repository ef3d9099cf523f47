// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Compose and of workflows
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseCompose } from './compose.js'
import { ModelError } from './text.js'
import { parseWorkflow } from './workflow.js'

test('a workflow’s jobs, services, steps and variables of every level', () => {
  const text = `on: [push, pull_request]
env: { A: 1 }
jobs:
  test:
    runs-on: ubuntu-latest
    container: node:24
    env: { B: "\${{ secrets.B }}" }
    strategy: { matrix: { node: [20, 22] } }
    services:
      db: { image: postgres, ports: ["5432:5432"], options: --health-cmd x, env: { POSTGRES_PASSWORD: p } }
    steps:
      - uses: actions/checkout@v4
      - name: Test
        run: |
          npm test
        env:
          C: $HOME
`
  const workflow = parseWorkflow(text)
  const [job] = workflow.jobs
  expect(workflow.on).toEqual(['push', 'pull_request'])
  expect(
    [workflow.env, job?.env, job?.steps[1]?.env].map(env => [...(env ?? [])].map(([k, v]) => [k, v.value])),
  ).toEqual([[['A', '1']], [['B', '${{ secrets.B }}']], [['C', '$HOME']]])
  expect(job?.container?.image?.value).toBe('node:24')
  expect(job?.services[0]).toMatchObject({
    name: 'db',
    options: { value: '--health-cmd x' },
    ports: [{ published: '5432' }],
  })
  expect(job?.steps.map(step => step.uses?.value ?? step.run?.value)).toEqual([
    'actions/checkout@v4',
    'npm test\n',
  ])
  expect(job?.matrix.map(({ key }) => key)).toEqual(['node'])
  expect(workflow.yaml.position(job?.steps[1]?.at.from ?? 0).line).toBe(13)
})

const SAMPLE = `x: &x { a: [1, "b"], <<: { c: d } }
services:
  db: # the database
    image: "postgres:\${V:-17}"
    <<: *x
    ports: ["1:2", { target: 3 }]
    depends_on: { a: { condition: b } }
    healthcheck: { test: ["CMD", 'x'] }
jobs: { t: { steps: [{ run: |-
  x }], services: *x } }
`

test('whatever the text, a model reads it or says where it cannot', () => {
  const piece = fc.constantFrom(
    ...(SAMPLE.match(/\s+|\w+|./g) ?? []),
    '&x',
    '*x',
    '\t',
    '---\n',
    '%YAML 1.2\n',
    '? ',
    '\u0000',
    '!!map ',
    'a: &a [*a]\n',
  )
  const cut = fc.nat(SAMPLE.length).map(end => SAMPLE.slice(0, end))
  const shuffled = fc.array(piece, { maxLength: 40 }).map(pieces => pieces.join(''))
  fc.assert(
    fc.property(fc.oneof(cut, shuffled, fc.string({ unit: 'binary' })), text => {
      for (const parse of [parseCompose, parseWorkflow]) {
        try {
          parse(text)
        } catch (error) {
          if (!(error instanceof ModelError)) throw error
          expect(error.position.offset).toBeLessThanOrEqual(text.length)
        }
      }
    }),
    { numRuns: 200 },
  )
})

test.each([
  ['[', 8_000],
  ['{a: ', 8_000],
])('nesting without end (%j) is an error of the model', (open, times) => {
  expect(() => parseCompose(open.repeat(times))).toThrow(ModelError)
})

test('a list that holds itself is read', () => {
  expect(parseCompose('services: &s\n  a: *s\n  b: { depends_on: &d [*d, c] }\n').services.size).toBe(2)
})

test('an error quotes nothing of the text', () => {
  try {
    parseCompose('a: 1\npassword: "hunter2 : x\n')
  } catch (error) {
    expect((error as Error).message).not.toContain('hunter2')
    expect((error as ModelError).position.line).toBeGreaterThan(1)
  }
  expect.assertions(2)
})
