import { expect, test } from 'vitest'
import type { Resolve } from '../../../io/resolve.js'
import { lookUp } from './reach.js'

const { signal } = new AbortController()

test('two names at most are asked for at the same time, and one that is asked for already not again', async () => {
  let most = 0
  const open = new Map<string, () => void>()
  const resolve: Resolve = name =>
    new Promise(done => {
      open.set(name, () => {
        open.delete(name)
        done([{ address: '10.0.0.1', family: 4 }])
      })
      most = Math.max(most, open.size)
    })
  const names = ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd', 'e']
  const looked = Promise.all(names.map(name => lookUp(name, signal, resolve)))
  const answered: string[] = []
  while (answered.length < 5) {
    await Promise.resolve()
    const [first] = open
    if (!first) continue
    answered.push(first[0])
    first[1]()
  }
  expect((await looked).map(({ addresses }) => addresses)).toEqual(names.map(() => ['10.0.0.1']))
  expect(answered.sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(most).toBe(2)
})

test('a name that cannot be asked for leaves the way open for the next one', async () => {
  const refused: Resolve = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }))
  expect(await lookUp('gone', signal, refused)).toEqual({ addresses: [], code: 'ENOTFOUND' })
  const found: Resolve = () => Promise.resolve([{ address: '10.0.0.2', family: 4 }])
  for (const name of ['x', 'y', 'z'])
    expect((await lookUp(name, signal, found)).addresses).toEqual(['10.0.0.2'])
})
