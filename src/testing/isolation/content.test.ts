import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { contentHash, filesOf } from './content.js'

function tree(...files: string[]): string {
  const cwd = mkdtempSync(join(tmpdir(), 'content-'))
  onTestFinished(() => rmSync(cwd, { recursive: true }))
  for (const file of files) {
    mkdirSync(dirname(join(cwd, file)), { recursive: true })
    writeFileSync(join(cwd, file), file)
  }
  return cwd
}

const TREE = [
  'db/1.sql',
  'db/2.ts',
  'db/deep/3.sql',
  'db/.hidden.sql',
  'db/node_modules/x/4.sql',
  'a-b (1).sql',
]

test.each([
  ['db', ['db/1.sql', 'db/2.ts', 'db/deep/3.sql']],
  ['db/*', ['db/1.sql', 'db/2.ts']],
  ['./db/**/*.sql', ['db/1.sql', 'db/deep/3.sql']],
  ['db/*.{sql,ts}', ['db/1.sql', 'db/2.ts']],
  ['db/?.sql', ['db/1.sql']],
  ['**/.hidden.sql', ['db/.hidden.sql']],
  ['a-b (1).sql', ['a-b (1).sql']],
])('%s names %j', (pattern, files) => {
  expect(filesOf([pattern], tree(...TREE))).toEqual(files)
})

test('a pattern that names nothing is refused', () => {
  expect(() => filesOf(['db/*.slq'], tree(...TREE))).toThrow('no file fits "db/*.slq"')
})

test('the hash goes by paths, bytes, the migration and the major version, not by the place or the order', () => {
  const hash = (cwd: string, files = ['db/*.sql'], migrate = 'up', major = 17) =>
    contentHash({ cwd, files, migrate }, major, () => 'run')
  const [one, two] = [tree('db/1.sql', 'db/2.sql'), tree('db/2.sql', 'db/1.sql')]
  expect(hash(one)).toBe(hash(two, ['db/2.sql', 'db/1.sql']))
  writeFileSync(join(two, 'db/1.sql'), 'changed')
  const others = [
    hash(two),
    hash(one, ['db/1.sql']),
    hash(one, undefined, 'down'),
    hash(one, undefined, 'up', 16),
  ]
  expect(new Set([hash(one), ...others]).size).toBe(5)
})

test('what migrates without files is known for one run in one folder, and nothing at all is the same everywhere', () => {
  const hash = (cwd: string, run: string, migrate?: string) => contentHash({ cwd, migrate }, 17, () => run)
  const all = [hash('/a', '1', 'up'), hash('/b', '1', 'up'), hash('/a', '2', 'up'), hash('/a', '1')]
  expect(new Set(all).size).toBe(4)
  expect(hash('/a', '1')).toBe(hash('/b', '2'))
})
