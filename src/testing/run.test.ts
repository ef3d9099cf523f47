import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTimeOf } from '../io/owner.js'
import { commitOf } from './commit.js'
import { handedOn, runOf } from './run.js'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-'))
})

afterEach(() => rmSync(folder, { recursive: true }))

const here = { pid: process.pid, started: startTimeOf(process.pid) }

test.each([
  [{ GITHUB_RUN_ID: '1', GITHUB_RUN_ATTEMPT: '2' }, '1-2'],
  [{ CI_PIPELINE_ID: '3' }, '3'],
  [{ BUILDKITE_BUILD_ID: 'b' }, 'b'],
  [{ CIRCLE_WORKFLOW_ID: 'w', HOLDFAST_RUN_ID: 'own' }, 'own'],
])('a run of %o has the number %s', (env, id) => {
  expect(runOf(env, folder).id).toBe(id)
})

test('without a number it is made from the first process, and the same for all that belong to it', () => {
  const run = runOf({}, folder)
  expect(run).toMatchObject({ root: here, ci: false })
  expect(runOf(handedOn(run), folder)).toEqual(run)
})

test('a worker belongs to the run of its parent', () => {
  expect(runOf({ NODE_TEST_CONTEXT: 'child-v8' }, folder).root.pid).toBe(process.ppid)
})

test('a root that has ended means nothing', async () => {
  const gone = spawn('sleep', ['600'])
  const started = startTimeOf(gone.pid ?? 0)
  const env = { HOLDFAST_RUN_ROOT: `${gone.pid}:${started}` }
  expect(runOf(env, folder).root).toEqual({ pid: gone.pid, started })
  const ended = new Promise(resolve => gone.once('exit', resolve))
  gone.kill('SIGKILL')
  await ended
  expect(runOf(env, folder).root).toEqual(here)
})

const SHA = 'c0ffee'.padEnd(40, '0')

const files = (all: Record<string, string>) => {
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(join(folder, name, '..'), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

test.each<[string, Record<string, string>, string]>([
  ['a branch', { '.git/HEAD': 'ref: refs/heads/a/b\n', '.git/refs/heads/a/b': `${SHA}\n` }, 'src'],
  ['a detached head', { '.git/HEAD': `${SHA}\n` }, 'src'],
  [
    'packed references',
    { '.git/HEAD': 'ref: refs/heads/main\n', '.git/packed-refs': `# pack-refs\n${SHA} refs/heads/main\n` },
    'src',
  ],
  [
    'a worktree',
    {
      'tree/.git': 'gitdir: ../.git/worktrees/tree\n',
      '.git/worktrees/tree/HEAD': 'ref: refs/heads/x\n',
      '.git/worktrees/tree/commondir': '../..\n',
      '.git/refs/heads/x': SHA,
    },
    'tree',
  ],
])('the commit is read from %s', (_, all, inside) => {
  files({ ...all, 'src/file': '' })
  expect(commitOf({}, join(folder, inside))).toBe(SHA)
})

test('what CI says comes first, and what is no commit is none', () => {
  files({ '.git/HEAD': 'ref: refs/heads/unborn\n' })
  expect(commitOf({}, folder)).toBeUndefined()
  expect(commitOf({ GITHUB_SHA: 'a'.repeat(40) }, folder)).toBe('a'.repeat(40))
  expect(commitOf({ GITHUB_SHA: 'not one' }, folder)).toBeUndefined()
})
