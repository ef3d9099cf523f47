import { describe, expect, test } from 'vitest'
import { type ErrorKind, EXIT, HoldfastError, nearest, usage } from './errors.js'
import type { NotReady } from './verdict.js'

const verdict: NotReady = {
  target: 'db',
  ready: false,
  steps: [],
  heard: false,
  layer: 'tcp',
  finding: { reason: 'connection-refused', message: 'connect ECONNREFUSED 127.0.0.1:5432.' },
}

describe('a HoldfastError', () => {
  const statuses: [ErrorKind, number][] = [
    ['usage', 64],
    ['config', 78],
    ['verdict', 69],
    ['defect', 70],
  ]
  test.each(statuses)('of kind %s leads to exit status %i', (kind, status) => {
    expect(new HoldfastError(kind, 'x').exitStatus).toBe(status)
  })

  test('from a verdict names target, reason, layer, message and what to do', () => {
    const error = HoldfastError.fromVerdict(verdict)
    expect(error.message).toBe(
      'db: connection-refused at tcp: connect ECONNREFUSED 127.0.0.1:5432. Start the server, or correct host and port.',
    )
    expect(error.verdict).toBe(verdict)
    expect(error.kind).toBe('verdict')
  })

  test('keeps its cause, and has no such property without one', () => {
    const cause = new Error('deep')
    expect(new HoldfastError('config', 'x', { cause }).cause).toBe(cause)
    expect('cause' in new HoldfastError('config', 'x')).toBe(false)
  })

  test('is recognised across copies of the package, where instanceof fails', () => {
    const foreign = Object.assign(new Error('from another copy'), { [Symbol.for('holdfast.error')]: true })
    expect(HoldfastError.is(foreign)).toBe(true)
    expect(HoldfastError.is(usage('x'))).toBe(true)
  })

  test.each([new Error('x'), null, undefined, 'text', {}])('is not %s', value => {
    expect(HoldfastError.is(value)).toBe(false)
  })
})

test('the exit statuses are those that scripts rely on', () => {
  expect(EXIT).toEqual({
    ok: 0,
    findings: 1,
    usage: 64,
    schema: 65,
    unavailable: 69,
    defect: 70,
    config: 78,
    notExecutable: 126,
    notFound: 127,
    interrupted: 130,
  })
})

describe('the nearest known word', () => {
  const known = ['wait', 'doctor', 'check', 'attemptTimeout']
  test.each([
    ['wiat', 'wait'],
    ['WAIT', 'wait'],
    ['doktor', 'doctor'],
    ['docter', 'doctor'],
    ['chek', 'check'],
    ['wt', 'wait'],
    ['waiitt', 'wait'],
    ['attempt_timeout', 'attemptTimeout'],
    ['attempttimout', 'attemptTimeout'],
  ])('to %s is %s', (word, near) => expect(nearest(word, known)).toBe(near))

  test.each(['xyz', 'frobnicate', '', 'postgres'])('does not exist for %j', word => {
    expect(nearest(word, known)).toBeUndefined()
  })

  test('is the first of two that are equally near', () => {
    expect(nearest('tets', ['test', 'sets'])).toBe('sets')
    expect(nearest('ba', ['bb', 'bc'])).toBe('bb')
  })

  test('may differ in a third of a long word, and in two letters of a short one', () => {
    expect(nearest('abcdefghixyz', ['abcdefghijklmno'])).toBeUndefined()
    expect(nearest('abcdefghixyz', ['abcdefghijkl'])).toBe('abcdefghijkl')
    expect(nearest('abcdefghwxyz', ['abcdefghijkl'])).toBe('abcdefghijkl')
    expect(nearest('abcdefgvwxyz', ['abcdefghijkl'])).toBeUndefined()
    expect(nearest('abyz', ['abcd'])).toBe('abcd')
    expect(nearest('axyz', ['abcd'])).toBeUndefined()
  })
})
