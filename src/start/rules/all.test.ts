import { describe, expect, test } from 'vitest'
import { subjectOf } from '../../../test/support/checked.js'
import { reaches } from '../../core/concern.js'
import { checkConfig, checkDeploy } from '../check.js'
import { explain } from '../explain.js'
import { RULES } from './all.js'

describe.each(RULES.map(rule => [rule.id, rule] as const))('%s', (id, rule) => {
  const found = async (example: typeof rule.bad) => {
    const subject = await subjectOf(example)
    const concerns = rule.stage === 'config' ? checkConfig(subject) : checkDeploy(subject)
    return { own: concerns.filter(one => one.id === id), concerns }
  }

  test('finds its bad example, at its level and with advice', async () => {
    const { own } = await found(rule.bad)
    expect(own.map(({ level }) => level)).toContain(rule.level)
    for (const { message, advice, level } of own) {
      expect(message).not.toBe('')
      expect(advice).toMatch(/\.$/)
      expect(reaches(rule.level, level), 'the level of a rule is its highest').toBe(true)
    }
  })

  test('finds nothing in its good example', async () => {
    expect((await found(rule.good)).own).toEqual([])
  })

  test('is explained with both examples', () => {
    const text = explain(id)
    for (const part of [rule.title, rule.why, rule.advice]) expect(text).toContain(part)
    for (const name of Object.keys({ ...rule.bad.env, ...rule.good.env })) expect(text).toContain(`${name}=`)
  })
})

test('an id belongs to one rule', () => {
  const ids = RULES.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)+$/)
})

test('a rule is one sentence, a reason and an imperative', () => {
  for (const { title, why, advice } of RULES) {
    expect(title).not.toMatch(/\.$|\|/)
    expect(why).toMatch(/\.$/)
    expect(why).not.toContain('|')
    expect(advice).toMatch(/^[A-Z].*\.$/)
  }
})
