import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startTimeOf } from '../io/owner.js'
import { type Held, heldIn } from './held.js'
import { heldFor, withHeld, within } from './holding.js'
import { planTests } from './plan.js'

const HERE = `${process.pid}:${startTimeOf(process.pid)}`
const SKIP: Held = {
  ...{ service: 'postgres', target: 'postgres', decision: 'skip', message: 'It is gone.', root: HERE },
  sources: [{ kind: 'url', variable: 'DATABASE_URL' }],
}
const saying = (value: unknown) => heldIn({ HOLDFAST_DECISIONS: JSON.stringify(value) })

test('a decision holds while the run lives that made it', () => {
  expect(saying([SKIP])).toEqual([SKIP])
  expect(saying([{ ...SKIP, root: `${process.pid}:1` }])).toEqual([])
  expect(saying([{ ...SKIP, root: undefined }])).toEqual([])
})

test('whatever else the variable holds is no decision', () => {
  expect(heldIn({ HOLDFAST_DECISIONS: '{' })).toEqual([])
  for (const value of [
    null,
    {},
    'x',
    [1],
    [null],
    [{ ...SKIP, sources: [null] }],
    [{ ...SKIP, decision: 'x' }],
  ])
    expect(saying(value)).toEqual([])
  fc.assert(fc.property(fc.json(), text => heldIn({ HOLDFAST_DECISIONS: text }).length === 0))
})

/** What a suite that asks for postgres is told. */
async function told(env: Record<string, string>) {
  const whole = { DATABASE_URL: 'postgres://127.0.0.1:1/app', ...env }
  const held = heldIn(whole)
  const plan = withHeld(await planTests({}, whole), held, true)
  const need = plan.needs.find(one => one.service === 'postgres')
  if (!need) throw new Error('there is one')
  const found = heldFor(need, held, whole)
  return { need, provided: found && within(found, need, plan.ci, whole) }
}

const HELD = { HOLDFAST_DECISIONS: JSON.stringify([SKIP]) }

test.each<[string, Record<string, string>, string, RegExp]>([
  [
    'by hand holds on a laptop',
    { HOLDFAST_TARGET_POSTGRES: 'skip' },
    'skip',
    /HOLDFAST_TARGET_POSTGRES=skip/,
  ],
  [
    'by hand is none in CI',
    { HOLDFAST_TARGET_POSTGRES: 'skip', CI: 'true' },
    'fail',
    /=skip\. It must not be skipped with CI=true: start it .*HOLDFAST_ALLOW_SKIP=1/,
  ],
  [
    'by hand holds in CI where it is allowed',
    { HOLDFAST_TARGET_POSTGRES: 'skip', CI: 'true', HOLDFAST_ALLOW_SKIP: '1' },
    'skip',
    /=skip/,
  ],
  [
    'by hand is none where the service is required',
    { HOLDFAST_TARGET_POSTGRES: 'skip', HOLDFAST_REQUIRE: 'all' },
    'fail',
    /HOLDFAST_REQUIRE takes nothing but the real postgres/,
  ],
  [
    'by hand, of a stand-in, is none in CI',
    { HOLDFAST_TARGET_POSTGRES: 'stand-in', CI: 'true' },
    'fail',
    /must not be replaced with CI=true.*--allow-stand-in/,
  ],
  ['of a run that lives holds in CI', { ...HELD, CI: 'true' }, 'skip', /It is gone/],
  [
    'of a run that lives is none where the suite requires the service',
    { ...HELD, HOLDFAST_REQUIRE: 'postgres' },
    'fail',
    /It is gone\. HOLDFAST_REQUIRE takes nothing/,
  ],
])('a decision %s', async (_, env, decision, message) => {
  const { provided } = await told(env)
  expect(provided).toMatchObject({ decision, message: expect.stringMatching(message) })
})

test('a service that a run began with is looked at again, and nothing may replace it', async () => {
  const { need, provided } = await told({
    HOLDFAST_DECISIONS: JSON.stringify([{ ...SKIP, decision: 'real' }]),
  })
  expect(provided).toBeUndefined()
  expect(need.usual.requiredBy).toBe('holdfast test')
})
