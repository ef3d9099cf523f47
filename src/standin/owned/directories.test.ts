import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Reaper } from '../../io/reaper.js'
import { cacheDirectory, makeRunDirectory, programsDirectory } from './directories.js'
import { mayEnter } from './user.js'

const nobody = { name: 'nobody', uid: 65_534, gid: 65_534 }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'directories-'))
  chmodSync(folder, 0o755)
})

afterEach(() => rmSync(folder, { recursive: true }))

const owned: string[] = []
const reaper = { own: (dir: string) => void owned.push(dir) } as unknown as Reaper

test('the cache is where the XDG specification says', () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: '/var/x', HOME: '/h' })).toBe('/var/x/holdfast')
  expect(cacheDirectory({ XDG_CACHE_HOME: 'relative', HOME: '/h' })).toBe('/h/.cache/holdfast')
  expect(cacheDirectory({})).toBe(join(homedir(), '.cache/holdfast'))
})

test('a user may enter where every directory lets them', () => {
  const inner = join(folder, 'inner')
  mkdirSync(inner)
  chmodSync(inner, 0o711)
  expect(mayEnter(nobody, inner)).toBe(true)
  chmodSync(inner, 0o700)
  expect(mayEnter(nobody, inner)).toBe(false)
  expect(mayEnter(undefined, inner)).toBe(true)
  chmodSync(inner, 0o755)
  chmodSync(folder, 0o750)
  expect(mayEnter(nobody, inner)).toBe(false)
})

test('the mode bits of the owner count for the owner alone', ctx => {
  if (process.getuid?.() !== 0) ctx.skip('platform: not root')
  chownSync(folder, nobody.uid, nobody.gid)
  chmodSync(folder, 0o700)
  expect(mayEnter(nobody, folder)).toBe(true)
  chmodSync(folder, 0o011)
  expect(mayEnter(nobody, folder)).toBe(false)
})

test('programs go into the cache where the user of the server may enter it', () => {
  expect(programsDirectory({ XDG_CACHE_HOME: folder }, nobody)).toBe(join(folder, 'holdfast'))
  expect(existsSync(join(folder, 'holdfast'))).toBe(true)
})

test('programs go elsewhere where it may not', () => {
  const [closed, shared] = [join(folder, 'closed'), join(folder, 'shared')]
  mkdirSync(closed, { mode: 0o700 })
  const env = { XDG_CACHE_HOME: closed }
  expect(programsDirectory(env, nobody, shared)).toBe(shared)
  expect(statSync(shared).mode & 0o777).toBe(0o755)
  expect(programsDirectory(env, undefined, shared)).toBe(join(closed, 'holdfast'))
})

test('a run directory is closed to others, owned, and registered', () => {
  const dir = makeRunDirectory({ short: 'pg', tmp: folder, reaper })
  expect(statSync(dir).mode & 0o777).toBe(0o700)
  expect(dir.startsWith(join(folder, 'holdfast-pg-'))).toBe(true)
  expect(owned).toContain(dir)
})

test('where it cannot be made, the message says what to set', () => {
  const missing = join(folder, 'missing')
  expect(() => makeRunDirectory({ short: 'pg', tmp: missing, reaper })).toThrow(
    /not a writable directory.*TMPDIR/,
  )
  const long = join(folder, 'x'.repeat(100))
  mkdirSync(long)
  expect(() => makeRunDirectory({ short: 'pg', tmp: long, reaper })).toThrow(/too long.*TMPDIR/)
  expect(readdirSync(long)).toEqual([])
})
