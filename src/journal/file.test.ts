import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { Entry } from './entry.js'
import { openJournal } from './open.js'
import { placeGiven, placeOf, projectFolder, suitesFolder } from './place.js'
import { readJournal } from './read.js'

const open = () => Promise.reject(new Error('no database here'))

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'holdfast-journal-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const entry = (n: number, more: Partial<Entry> = {}): Entry => ({
  v: 1,
  at: `2026-03-01T12:00:00.${`${n % 1000}`.padStart(3, '0')}Z`,
  kind: 'decision',
  run: 'run-1',
  ci: false,
  host: 'here',
  pid: 1,
  suite: `suite-${n}`,
  decision: 'real',
  ...more,
})

const files = (path: string) => ({ kind: 'files', path, named: true }) as const
const read = async (path: string, since?: Date) => readJournal(files(path), { open, since })
const suites = ({ entries }: { entries: readonly Entry[] }) => entries.map(one => one.suite).sort()

test('what was appended is read back, a file for each day', async () => {
  const path = join(folder(), 'journal')
  const journal = openJournal(files(path), { open })
  expect(await journal.append(entry(1))).toBe(true)
  expect(journal.appendSync?.(entry(2, { at: '2026-03-02T00:00:00.000Z' }))).toBe(true)
  expect(suites(await read(path))).toEqual(['suite-1', 'suite-2'])
  expect(suites(await read(path, new Date('2026-03-01T13:00:00Z')))).toEqual(['suite-2'])
  expect(readFileSync(join(path, '2026-03-02.ndjson'), 'utf8')).toMatch(/^\n\{"v":1,.*\}\n$/)
})

test('a journal that is cut off anywhere loses at most the record that is cut, and takes the next ones', async () => {
  const dir = folder()
  await fc.assert(
    fc.asyncProperty(fc.nat(5), fc.integer({ min: 1, max: 5 }), fc.nat(), async (before, after, cut) => {
      const path = join(mkdtempSync(join(dir, 'case-')), 'a.ndjson')
      const journal = openJournal(files(path), { open })
      for (let n = 0; n < before; n++) journal.appendSync?.(entry(n))
      const whole = before === 0 ? 0 : statSync(path).size
      journal.appendSync?.(entry(before))
      const size = statSync(path).size
      const left = whole + (cut % (size - whole))
      truncateSync(path, left)
      for (let n = 1; n <= after; n++) journal.appendSync?.(entry(before + n))
      const records = await read(path)
      const kept = suites(records)
      const complete = left >= size - 1
      for (let n = 0; n <= before + after; n++)
        expect(kept.includes(`suite-${n}`)).toBe(n !== before || complete)
      expect(records.unreadable).toBe(complete || left <= whole + 1 ? 0 : 1)
    }),
    { numRuns: 60 },
  )
})

test('lines that are no records are counted, and other kinds passed over', async () => {
  const path = join(folder(), 'a.ndjson')
  const other = JSON.stringify({ ...entry(1), kind: 'chaos' })
  writeFileSync(path, `{"v":1\n[]\n\n${other}\n${'x'.repeat(200_000)}\n${JSON.stringify(entry(2))}`)
  const records = await read(path)
  expect([suites(records), records.unreadable]).toEqual([['suite-2'], 3])
})

test('a folder is read with all that is below it, and copies of a record count once', async () => {
  const path = folder()
  const journal = openJournal(files(join(path, 'shard-1')), { open })
  await journal.append(entry(1))
  mkdirSync(join(path, 'shard-2'))
  const copy = readFileSync(join(path, 'shard-1', '2026-03-01.ndjson'))
  writeFileSync(join(path, 'shard-2', '2026-03-01.ndjson'), copy)
  expect(suites(await read(path))).toEqual(['suite-1'])
})

test('only files are read: no pipe is waited for, and no folder, loop or dangling link taken for one', async () => {
  const path = folder()
  openJournal(files(path), { open }).appendSync?.(entry(1))
  execFileSync('mkfifo', [join(path, 'pipe.ndjson')])
  mkdirSync(join(path, 'folder.ndjson'))
  symlinkSync('loop.ndjson', join(path, 'loop.ndjson'))
  symlinkSync('none', join(path, 'dangling.ndjson'))
  expect(suites(await read(path))).toEqual(['suite-1'])
  const pipe = join(path, 'pipe.ndjson')
  expect(await read(pipe)).toMatchObject({ entries: [], found: false })
  expect(() => placeGiven(pipe, { env: {}, cwd: path })).toThrow(
    'is not a journal: it is no file and no folder',
  )
})

test('a journal that is not there is told from an empty one', async () => {
  const path = folder()
  writeFileSync(join(path, '2026-03-01.ndjson'), '')
  expect(await read(path)).toEqual({ entries: [], unreadable: 0, found: true })
  expect(await read(join(path, 'none'))).toEqual({ entries: [], unreadable: 0, found: false })
})

test('a place that cannot be written is told once, and nothing fails', async () => {
  const path = join(folder(), 'file')
  writeFileSync(path, '')
  const told: string[] = []
  const journal = openJournal(files(join(path, 'journal')), { open, warn: text => told.push(text) })
  expect([await journal.append(entry(1)), await journal.append(entry(2))]).toEqual([false, false])
  expect(told).toEqual([expect.stringMatching(/no journal: .*file\/journal cannot be written \(ENOTDIR\)/)])
})

test.runIf(process.platform === 'linux')(
  'a folder that can never be made is told, not tried for ever',
  async () => {
    const told: string[] = []
    const journal = openJournal(files('/proc/nope/journal'), { open, warn: text => told.push(text) })
    expect(await journal.append(entry(1))).toBe(false)
    expect(told).toEqual([expect.stringContaining('/proc/nope/journal cannot be written (ENOENT)')])
  },
)

test('the project’s own place that cannot be written is no more than a note', async () => {
  const path = join(folder(), 'file')
  writeFileSync(path, '')
  const heard: string[] = []
  const hears = { warn: () => heard.push('warning'), note: () => heard.push('note') }
  const journal = openJournal({ ...files(join(path, 'journal')), named: false }, { open, ...hears })
  await journal.append(entry(1))
  expect(heard).toEqual(['note'])
})

test('HOLDFAST_JOURNAL comes before the configuration, and that before the project’s folder', () => {
  const cwd = folder()
  const around = { env: {}, cwd }
  expect(placeOf('records', { ...around, env: { HOLDFAST_JOURNAL: 'off' } })).toEqual({ kind: 'off' })
  expect(placeOf('records', around)).toEqual({ kind: 'files', path: join(cwd, 'records'), named: true })
  expect(placeOf('records', { ...around, configFile: '/p/holdfast.config.ts' })).toMatchObject({
    path: '/p/records',
  })
  expect(placeOf(undefined, { ...around, configFile: '/p/holdfast.config.ts' })).toMatchObject({
    path: '/p/.holdfast/journal',
    named: false,
  })
})

test('an address is taken from a variable, and without it the project’s folder', () => {
  const around = { env: { J: 'postgres://app:s3cr3t@db/app' }, cwd: folder() }
  const place = placeOf('env:J', around)
  expect(place).toMatchObject({ kind: 'table', address: 'postgres://app:***@db/app' })
  expect(JSON.stringify(place)).not.toContain('s3cr3t')
  expect(placeOf('env:K', around)).toMatchObject({ kind: 'files', named: false })
})

test('another database cannot be a journal', () => {
  expect(() => placeOf('redis://:s3cr3t@h', { env: {}, cwd: '/' })).toThrow(
    /^journal: "redis:\/\/:\*\*\*@h" is not/,
  )
})

test('a project begins at its configuration, else at its repository, else at its package', () => {
  const root = folder()
  const at = join(root, 'a', 'b')
  mkdirSync(at, { recursive: true })
  writeFileSync(join(root, 'a', 'go.mod'), '')
  expect(projectFolder(at)).toBe(join(root, 'a'))
  mkdirSync(join(root, '.git'))
  expect(projectFolder(at)).toBe(root)
  writeFileSync(join(at, 'holdfast.config.json'), '{}')
  expect(projectFolder(at)).toBe(at)
})

test('suites are named from their repository, through configurations of packages, else from their project', () => {
  const root = folder()
  const at = join(root, 'packages', 'a')
  mkdirSync(at, { recursive: true })
  const configFile = join(at, 'holdfast.config.json')
  writeFileSync(configFile, '{}')
  expect([suitesFolder(join(at, 'test')), suitesFolder(root, configFile)]).toEqual([at, at])
  mkdirSync(join(root, '.git'))
  expect([suitesFolder(at), suitesFolder(at, configFile)]).toEqual([root, root])
})

test('the project’s folder keeps itself out of version control', async () => {
  const cwd = folder()
  const journal = openJournal(placeOf(undefined, { env: {}, cwd, configFile: join(cwd, 'c') }), { open })
  await journal.append(entry(1))
  expect(readFileSync(join(cwd, '.holdfast', '.gitignore'), 'utf8')).toBe('*\n')
})
