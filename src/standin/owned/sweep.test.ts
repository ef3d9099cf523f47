import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isDead, OWNER_RECORD, ownerOf, recordOwner } from '../../io/owner.js'
import { sweepLeftovers } from './sweep.js'

let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sweep-'))
})

afterEach(() => rmSync(root, { recursive: true }))

/** A directory that this process recorded as its own, with changes to the record. */
function directory(name: string, changes?: object): string {
  const dir = join(root, name)
  mkdirSync(dir)
  recordOwner(dir)
  if (changes) writeFileSync(join(dir, OWNER_RECORD), JSON.stringify({ ...ownerOf(dir), ...changes }))
  return dir
}

const DEAD = { pid: spawnSync('true').pid }

test('what a dead process left is removed', async () => {
  const dir = directory('holdfast-pg-a', DEAD)
  expect(await sweepLeftovers([root])).toEqual([dir])
  expect(existsSync(dir)).toBe(false)
})

test('two runs that sweep at the same time do not meet', async () => {
  for (const name of 'abcdef') directory(`holdfast-pg-${name}`, DEAD)
  await Promise.all([sweepLeftovers([root]), sweepLeftovers([root])])
  expect(readdirSync(root)).toEqual([])
})

test('a process id that was used again does not keep a directory', async () => {
  const dir = directory('holdfast-pg-a', { startTime: '1' })
  expect(await sweepLeftovers([root])).toEqual([dir])
})

test('nothing else is touched', async () => {
  const kept = [
    directory('holdfast-pg-alive'),
    directory('other-pg', DEAD),
    directory('holdfast-pg-elsewhere', { ...DEAD, namespace: 'pid:[1]' }),
    directory('holdfast-pg-broken'),
    directory('holdfast-pg-odd', { pid: 'all' }),
    join(root, 'holdfast-pg-unmarked'),
  ]
  writeFileSync(join(kept[3] ?? '', OWNER_RECORD), '{ "pid": ')
  mkdirSync(kept[5] ?? '')
  symlinkSync(directory('behind', DEAD), join(root, 'holdfast-pg-link'))
  kept.push(join(root, 'behind'), join(root, 'holdfast-pg-link'))
  expect(await sweepLeftovers([root, root, join(root, 'missing')])).toEqual([])
  expect(kept.filter(dir => !existsSync(dir))).toEqual([])
})

test('a server record that names a process elsewhere ends no process', async () => {
  const dir = directory('holdfast-pg-a', DEAD)
  mkdirSync(join(dir, 'data'))
  writeFileSync(join(dir, 'data/postmaster.pid'), `${process.pid}\n`)
  expect(await sweepLeftovers([root])).toEqual([dir])
  expect(existsSync(dir)).toBe(false)
})

test('a directory of another user is not ours to remove', async ctx => {
  if (process.getuid?.() !== 0) ctx.skip('platform: not root')
  const dir = directory('holdfast-pg-a', DEAD)
  spawnSync('chown', ['-R', '65534', dir])
  expect(await sweepLeftovers([root])).toEqual([])
  expect(await sweepLeftovers([root], { name: 'nobody', uid: 65_534, gid: 65_534 })).toEqual([])
  spawnSync('chown', ['0', join(dir, OWNER_RECORD)])
  expect(await sweepLeftovers([root])).toEqual([])
  expect(await sweepLeftovers([root], { name: 'nobody', uid: 65_534, gid: 65_534 })).toEqual([dir])
})

test('an owner is dead when its process is gone, or the machine started anew, but not in another container', () => {
  const dir = directory('holdfast-pg-a')
  const owner = ownerOf(dir)
  if (!owner) throw new Error('no record')
  expect(isDead(owner)).toBe(false)
  expect(isDead({ ...owner, startTime: '1' })).toBe(true)
  expect(isDead({ ...owner, boot: 'another' })).toBe(process.platform === 'linux')
  expect(isDead({ ...owner, ...DEAD, namespace: 'pid:[1]' })).toBe(false)
})
