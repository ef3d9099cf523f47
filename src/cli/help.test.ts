import { expect, test } from 'vitest'
import { mainHelp, verbHelp } from './help.js'
import { COMMON, VERBS } from './spec.js'
import { COMMON_TEXT, TEXTS } from './texts.js'

test.each(VERBS)('the help of $name has a text for each option, and for no other', verb => {
  const text = TEXTS[verb.name]
  expect(Object.keys(text?.options ?? {}).sort()).toEqual(Object.keys(verb.options).sort())
  expect(Object.keys(COMMON_TEXT).sort()).toEqual(Object.keys(COMMON).sort())
  expect(verbHelp(verb)).toContain(verb.example)
  expect(mainHelp('1.2.3')).toContain(text?.summary)
})
