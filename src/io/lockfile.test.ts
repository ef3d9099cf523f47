import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeLock } from './lockfile.js'
import { thisProcess } from './owner.js'

function place(): { file: string; left: () => string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'hf-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return { file: join(folder, 'lock'), left: () => readdirSync(folder) }
}

/** A process that was there and is not any more. */
const dead = { ...thisProcess(), pid: spawnSync('true').pid, startTime: '1' }
const lockOf = (owner: object, until = Date.now() + 60_000) =>
  JSON.stringify({ ...owner, nonce: 'abcdefabcdef', until })

test('of two one gets it, and the other after it was released; nothing stays', () => {
  const { file, left } = place()
  const first = takeLock(file, 1000)
  expect(takeLock(file, 1000)).toBeUndefined()
  first?.release()
  const second = takeLock(file, 1000)
  expect(second).toBeDefined()
  second?.release()
  expect(left()).toEqual([])
})

test('the lock of a dead process is taken over', () => {
  const { file, left } = place()
  writeFileSync(file, lockOf(dead))
  const lock = takeLock(file, 1000)
  expect(JSON.parse(readFileSync(file, 'utf8')).pid).toBe(process.pid)
  expect(left()).toEqual(['lock'])
  lock?.release()
})

test('a process id that is used again is another process', () => {
  const { file } = place()
  writeFileSync(file, lockOf({ ...thisProcess(), startTime: '1' }))
  expect(takeLock(file, 1000)).toBeDefined()
})

test('a process of another container counts as living, until the time of its lock is up', () => {
  const { file } = place()
  const elsewhere = { ...dead, namespace: 'pid:[1]' }
  writeFileSync(file, lockOf(elsewhere))
  expect(takeLock(file, 1000)).toBeUndefined()
  writeFileSync(file, lockOf(elsewhere, Date.now() - 1))
  expect(takeLock(file, 1000)).toBeDefined()
})

test('whoever is about to take it over keeps others from it, until that one is dead, too', () => {
  const { file, left } = place()
  writeFileSync(file, lockOf(dead))
  const claim = `${file}-abcdefabcdef`
  writeFileSync(claim, lockOf(thisProcess()))
  expect(takeLock(file, 1000)).toBeUndefined()
  writeFileSync(claim, lockOf(dead))
  expect(takeLock(file, 1000)).toBeDefined()
  expect(left()).toEqual(['lock'])
})

test('who outlived the time of a lock does not remove the one that came after it', () => {
  const { file } = place()
  let now = Date.now()
  const first = takeLock(file, 1000, () => now)
  now += 2000
  const second = takeLock(file, 1000, () => now)
  first?.release()
  expect(takeLock(file, 1000, () => now)).toBeUndefined()
  second?.release()
})

test('what is no lock is an error, and stays', () => {
  const { file } = place()
  writeFileSync(file, '"mine"')
  expect(() => takeLock(file, 1000)).toThrow(/lock/)
  expect(readFileSync(file, 'utf8')).toBe('"mine"')
})
