import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../../test/support/root.js'
import { placesIn } from './places.js'

async function places(name: string, text: string, ...path: string[]): Promise<string> {
  const folder = tempFolder('places')
  writeFileSync(join(folder, name), text)
  return (await placesIn(join(folder, name)))(...path).replace(`${folder}/`, '')
}

const YAML = 'timeout: 5s\ntargets:\n  db:\n    url: env:X\n  "a.b": x\n  list: [1]\n'

test.each([
  [['timeout'], 'c.yaml:1:1'],
  [['targets', 'db', 'url'], 'c.yaml:4:5'],
  [['targets', 'a.b'], 'c.yaml:5:3'],
  [['targets', 'db', 'absent'], 'c.yaml:3:3'],
  [['targets', 'list', '0'], 'c.yaml:6:3'],
  [['absent'], 'c.yaml'],
  [[], 'c.yaml'],
])('%j stands at %s', async (path, place) => {
  expect(await places('c.yaml', YAML, ...path)).toBe(place)
})

test('JSON has lines, too', async () => {
  expect(await places('c.json', '{\n  "a": {\n    "b": 1\n  }\n}', 'a', 'b')).toBe('c.json:3:5')
})

test('a key that an alias brings is found where the alias stands', async () => {
  expect(await places('c.yaml', 'x: &x { url: a }\ntargets:\n  db: *x\n', 'targets', 'db', 'url')).toMatch(
    /^c\.yaml:[13]:/,
  )
})

test('a program has keys instead of lines, and no address in them', async () => {
  expect(await places('c.ts', '', 'targets', 'postgres://u:hunter22@h')).toBe(
    'c.ts: targets.postgres://u:***@h',
  )
})
