/** The journal under processes that are killed; `npm run journal` does it with more of them. */
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readJournal } from '../../src/journal/read.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedPostgres } from '../support/shared.js'
import { torture, writerIn } from './torture.js'

const DATABASE = `journal_${process.pid}`

beforeAll(async () => {
  await sharedPostgres().sql(`CREATE DATABASE ${DATABASE} OWNER app`)
})
afterAll(async () => {
  await sharedPostgres().sql(`DROP DATABASE ${DATABASE} WITH (FORCE)`)
})

const eight = { processes: 8, records: 500, kills: 2 }

test('8 processes with SIGKILL at any moment lose no record that was kept, in a file', async () => {
  const temp = tempFolder('journal')
  const ordeal = await torture({ ...eight, temp, where: `${temp}/journal` })
  expect(ordeal).toMatchObject({ completed: 4000, lost: 0, told: '' })
  expect(ordeal.kills).toBeGreaterThanOrEqual(4)
  expect(ordeal.unreadable).toBeLessThanOrEqual(ordeal.kills)
}, 60_000)

test('8 processes with SIGKILL at any moment lose no record that was kept, in PostgreSQL', async () => {
  const where = sharedPostgres().url({ database: DATABASE })
  const ordeal = await torture({ ...eight, temp: tempFolder('journal'), where })
  expect(ordeal).toMatchObject({ completed: 4000, lost: 0, unreadable: 0, told: '' })
  expect(ordeal.kills).toBeGreaterThanOrEqual(4)
}, 60_000)

test('where a disk is full in the middle of a record, that one is lost, told, and no other', async () => {
  const temp = tempFolder('journal')
  const [program, path] = [await writerIn(temp), join(temp, 'a.ndjson')]
  const write = (limit: string, writer: number, to: number) =>
    run(
      'sh',
      ['-c', `ulimit -f ${limit}; exec "$@"`, 'sh', process.execPath, program, `${writer}`, '0', `${to}`],
      {
        cwd: temp,
        env: { PATH: process.env.PATH ?? '', HOLDFAST_JOURNAL: path },
      },
    )
  // 8 blocks of 512 bytes: less than 40 records.
  const full = await write('8', 0, 40)
  const kept = full.stdout.split('\n').length - 1
  expect(full.stderr).toMatch(/^no journal: .*a\.ndjson cannot be written \(E(FBIG|NOSPC)\).*\n$/)
  expect((await write('unlimited', 1, 10)).stdout.split('\n')).toHaveLength(11)
  const place = { kind: 'files', path, named: true } as const
  const { entries, unreadable } = await readJournal(place, { open: () => Promise.reject(new Error('none')) })
  expect([kept > 0 && kept < 40, entries.length, unreadable]).toEqual([true, kept + 10, 1])
})
