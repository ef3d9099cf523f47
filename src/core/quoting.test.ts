import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellWord } from './quoting.js'

test('a word that needs no quotes is left alone', () => {
  for (const word of ['db', 'app_1', '10.0.0.1', 'host:5432/app', 'a@b']) expect(shellWord(word)).toBe(word)
})

test('a shell reads every word back as it was', () => {
  const words = fc.sample(
    fc.string({ unit: 'binary' }).filter(text => !/[\0\ud800-\udfff]/.test(text)),
    200,
  )
  const given = [...words, '', "it's", '$HOME `id` "x"', '-n', 'a\nb', '*']
  const script = `printf '%s\\0' ${given.map(shellWord).join(' ')}`
  const read = execFileSync('sh', ['-c', script]).toString()
  expect(read.split('\0').slice(0, -1)).toEqual(given)
})
