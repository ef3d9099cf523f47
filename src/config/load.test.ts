import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { tempFolder } from '../../test/support/root.js'
import { HoldfastError } from '../core/errors.js'
import { loadConfig } from './load.js'

/** A folder with the given files. */
function folder(files: Record<string, string>): string {
  const root = tempFolder('config')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  return root
}

async function refusal(loading: Promise<unknown>): Promise<HoldfastError> {
  const error = await loading.then(
    () => undefined,
    thrown => thrown,
  )
  if (error instanceof HoldfastError) return error
  throw new Error('nothing of ours was thrown', { cause: error })
}

const config = { targets: { db: 'env:DATABASE_URL' }, timeout: '30s' }
const DEFINE = join(dirname(fileURLToPath(import.meta.url)), 'config.js')

const FORMS: Record<string, string> = {
  'holdfast.config.json': JSON.stringify(config),
  'holdfast.config.yaml': 'targets:\n  db: env:DATABASE_URL\ntimeout: 30s\n',
  'holdfast.config.yml': 'targets: { db: "env:DATABASE_URL" }\ntimeout: 30s\n',
  'holdfast.config.js': `export default ${JSON.stringify(config)}`,
  'holdfast.config.mjs': `export default ${JSON.stringify(config)}`,
  'holdfast.config.ts': `
    import { defineConfig, type Config } from ${JSON.stringify(DEFINE)}
    const targets: Config['targets'] = { db: 'env:DATABASE_URL' }
    export default defineConfig({ targets, timeout: '30s' })`,
  'holdfast.config.mts': `
    interface Shape { targets: Record<string, string>; timeout: string }
    export default { targets: { db: 'env:DATABASE_URL' }, timeout: '30s' } satisfies Shape`,
}

describe('a configuration', () => {
  test.each(Object.entries(FORMS))('may be a %s', async (name, text) => {
    const root = folder({ [name]: text, 'package.json': '{"type":"module"}' })
    expect(await loadConfig(join(root, name))).toEqual({ file: join(root, name), config })
  })

  test('may be what a module computes while it is loaded', async () => {
    const root = folder({ 'holdfast.config.mjs': 'export default await Promise.resolve({ grace: "1s" })' })
    expect((await loadConfig(join(root, 'holdfast.config.mjs'))).config).toEqual({ grace: '1s' })
  })

  test('may be empty', async () => {
    const root = folder({ 'holdfast.config.json': '{}' })
    expect((await loadConfig(join(root, 'holdfast.config.json'))).config).toEqual({})
  })

  test('is read by any name that is given', async () => {
    const root = folder({ 'ci.json': JSON.stringify(config) })
    expect((await loadConfig(join(root, 'ci.json'))).config).toEqual(config)
  })
})

describe('a file that', () => {
  const reading = (name: string, text: string) => {
    const file = join(folder({ [name]: text }), name)
    return refusal(loadConfig(file)).then(error => ({ file, error }))
  }

  test('is not there is told so', async () => {
    const error = await refusal(loadConfig('/nowhere/holdfast.config.json'))
    expect(error).toMatchObject({ kind: 'config', exitStatus: 78 })
    expect(error.message).toBe('/nowhere/holdfast.config.json: there is no such file')
  })

  test.each([
    ['a.json', '{ "targets": '],
    ['a.yaml', 'targets: [\n'],
    ['a.mjs', 'export default {'],
    ['a.ts', 'export default {'],
    ['a.mjs', 'throw new Error("no luck\\nsecond line")'],
    ['a.mjs', 'import "./missing.mjs"'],
  ])('cannot be read, %s with %j, is told in one line, with the cause of a program', async (name, text) => {
    const { file, error } = await reading(name, text)
    expect(error.kind).toBe('config')
    expect(error.message.startsWith(`${file}: it cannot be read: `)).toBe(true)
    expect(error.message.split('\n')).toHaveLength(1)
    // A parser of data quotes them in its message, and they may hold a password.
    expect(error.cause !== undefined).toBe(/\.m?[jt]s$/.test(name))
  })

  test.each([
    ['a.json', '{"db": "postgres://app:secret@db/app" "more"}'],
    ['a.json', '{"db": secret}'],
    ['a.yaml', 'db: *secret\n'],
    ['a.yaml', 'db: "a" secret: ]\n'],
  ])('cannot be read, %s with %j, is not quoted', async (name, text) => {
    const { error } = await reading(name, text)
    expect(error.message).toMatch(/: it cannot be read: \w/)
    expect(`${error.message} ${error.cause}`).not.toContain('secret')
  })

  test.each(['a.mjs', 'a.ts'])('exports nothing, %s, is told what to export', async name => {
    const { error } = await reading(name, 'export const config = {}')
    expect(error.message).toContain('no default export; write export default defineConfig({ … })')
  })

  test('is of another kind is wrong usage of the option', async () => {
    const { error } = await reading('a.toml', '')
    expect(error.kind).toBe('usage')
    expect(error.message).toContain('is not one of .ts, .mts, .js, .mjs, .json, .yaml, .yml')
  })

  test('is no object is told so', async () => {
    for (const text of ['[]', '"text"', '7', 'null']) {
      const { file, error } = await reading('a.json', text)
      expect(error.message).toBe(`${file}: the configuration: expected object`)
    }
  })

  test('has one problem is told in one line, and with several in a list of all', async () => {
    const one = await reading('a.json', '{"timeout":"soon"}')
    expect(one.error.message).toMatch(/^\S+a\.json: timeout: "soon" is not a duration/)
    const two = await reading('a.json', '{"timeout":"soon","connections":0}')
    expect(two.error.message.split('\n')).toEqual([
      `${two.file}: 2 problems`,
      expect.stringMatching(/^ {2}timeout: /),
      '  connections: must be at least 1',
    ])
    expect(two.error.exitStatus).toBe(78)
  })
})
