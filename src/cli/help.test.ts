import { expect, test } from 'vitest'
import { mainHelp, verbHelp } from './help.js'
import { COMMON } from './spec.js'
import { COMMON_TEXT } from './texts.js'
import { ENTRIES } from './verbs/all.js'

const named = ENTRIES.map(entry => [entry.verb.name, entry] as const)

test.each(named)('the help of %s has a text for each option, and for no other', (_, entry) => {
  const { verb, text } = entry
  expect(Object.keys(text.options).sort()).toEqual(Object.keys(verb.options).sort())
  expect(Object.keys(COMMON_TEXT).sort()).toEqual(Object.keys(COMMON).sort())
  expect(verbHelp(entry)).toContain(verb.example)
  expect(mainHelp('1.2.3')).toContain(text.summary)
})
