import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { tempFolder } from '../support/root.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'
import { expectComplaint, waitJson } from './outcome.js'

/** A folder of its own with these files in it. */
function folderWith(files: Record<string, string>): string {
  const folder = tempFolder('configured')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

const stateOf = async (cwd: string, args: string[] = [], env: Record<string, string> = {}) => {
  const { status, document } = await waitJson(args, { cwd, env })
  return [status, ...document.targets.map(({ name, state }) => `${name} ${state}`)]
}

const json = (config: unknown) => folderWith({ 'holdfast.config.json': JSON.stringify(config) })

describe('a configuration is found and read', () => {
  const url = () => sharedRedis().url()

  test.concurrent.each<[string, (url: string) => Record<string, string>]>([
    ['json', url => ({ 'holdfast.config.json': JSON.stringify({ targets: { cache: url } }) })],
    ['yaml', url => ({ 'holdfast.config.yaml': `targets:\n  cache: ${url}\n` })],
    ['yml', url => ({ 'holdfast.config.yml': `targets: { cache: { url: "${url}", until: tcp } }\n` })],
    [
      'js',
      url => ({
        'holdfast.config.js': `export default { targets: { cache: '${url}' } }\n`,
        'package.json': '{"type":"module"}',
      }),
    ],
    ['mjs', url => ({ 'holdfast.config.mjs': `export default { targets: { cache: '${url}' } }\n` })],
    [
      'ts',
      url => ({
        'holdfast.config.ts': `const cache: string = '${url}'\nexport default { targets: { cache } }\n`,
      }),
    ],
    [
      'mts',
      url => ({
        'holdfast.config.mts': `enum A { b = 1 }\nexport default { connections: A.b as number, targets: { cache: '${url}' } }\n`,
      }),
    ],
  ])('as %s', async (_, files) => {
    expect(await stateOf(folderWith(files(url())))).toEqual([0, 'cache ready'])
  })

  test.concurrent('upward from the working folder', async ({ expect }) => {
    const folder = folderWith({
      'holdfast.config.json': JSON.stringify({ targets: { cache: url() } }),
      'a/b/c/file': '',
    })
    expect(await stateOf(join(folder, 'a/b/c'))).toEqual([0, 'cache ready'])
  })

  test.concurrent('where -c says so, whatever lies in the folder', async ({ expect }) => {
    const elsewhere = join(json({ targets: { other: url() } }), 'holdfast.config.json')
    expect(await stateOf(json({ targets: { cache: url() } }), ['-c', elsewhere])).toEqual([0, 'other ready'])
  })

  test.concurrent('before what the environment names', async ({ expect }) => {
    const env = { DATABASE_URL: sharedPostgres().url() }
    expect(await stateOf(json({ targets: { cache: url() } }), [], env)).toEqual([0, 'cache ready'])
  })

  test.concurrent('by the names of its targets, and by env: inside it', async ({ expect }) => {
    const cwd = json({ targets: { cache: url(), db: 'env:DATABASE_URL', unused: 'redis://127.0.0.1:1' } })
    const env = { DATABASE_URL: sharedPostgres().url() }
    expect(await stateOf(cwd, ['db', 'cache'], env)).toEqual([0, 'db ready', 'cache ready'])
  })

  test.concurrent('with settings that an option overrides', async ({ expect }) => {
    const cwd = json({ timeout: '300ms', targets: { cache: 'redis://127.0.0.1:1' } })
    const { document } = await waitJson([], { cwd })
    expect(document.durationMs).toBeLessThan(1_000)
    const longer = await waitJson(['--timeout', '700ms'], { cwd })
    expect(longer.document.durationMs).toBeGreaterThanOrEqual(699)
  })
})

describe('a configuration that is wrong ends with 78 and one message', () => {
  const complains = async (files: Record<string, string>, what: RegExp) =>
    expectComplaint(await holdfast(['wait'], { cwd: folderWith(files) }), 78, what)

  const key = 'holdfast.config.json'

  test.concurrent('an unknown key, with the nearest known one', () =>
    complains({ [key]: '{"tragets":{}}' }, /tragets: unknown key; did you mean "targets"\?/))

  test.concurrent('an unknown key of a target', () =>
    complains(
      { [key]: '{"targets":{"db":{"url":"redis://x","untill":"tcp"}}}' },
      /targets\.db\.untill: unknown key; did you mean "until"\?/,
    ))

  test.concurrent('all problems at once', async ({ expect }) => {
    const config = {
      timeout: '5',
      grace: 'x',
      conections: 2,
      targets: { db: { url: 'redis://x', until: 'deep' } },
    }
    const { status, stdout, stderr } = await holdfast(['wait'], { cwd: json(config) })
    expect([status, stdout]).toEqual([78, ''])
    expect(stderr).toMatch(/holdfast\.config\.json: 4 problems\n/)
    expect(stderr).toMatch(/^ {2}timeout: "5" is not a duration\. Did you mean 5s\?$/m)
    expect(stderr).toMatch(/^ {2}grace: "x" is not a duration/m)
    expect(stderr).toMatch(/^ {2}conections: unknown key; did you mean "connections"\?$/m)
    expect(stderr).toMatch(/^ {2}targets\.db\.until: expected one of tcp, auth/m)
  })

  test.concurrent('no JSON', () => complains({ [key]: '{"targets": ' }, /it cannot be read: /))

  test.concurrent('no YAML', () =>
    complains({ 'holdfast.config.yaml': 'targets: [a\nb: }' }, /holdfast\.config\.yaml: it cannot be read: /))

  test.concurrent('a program that throws', () =>
    complains({ 'holdfast.config.ts': "throw new Error('boom')" }, /it cannot be read: boom/))

  test.concurrent('a program without a default export', () =>
    complains(
      { 'holdfast.config.mjs': 'export const targets = {}' },
      /it has no default export; write export default/,
    ))

  test.concurrent('something else than an object', () =>
    complains({ [key]: '[1]' }, /the configuration: expected object/))

  test.concurrent.each([
    [
      'a query for a service that takes none',
      { query: 'SELECT 1' },
      /targets\.it: it is a redis target, which takes no query/,
    ],
    [
      'a status for what is no web server',
      { status: 200 },
      /targets\.it: it is a redis target, which takes no status/,
    ],
    ['a schema for a service that has none', { schema: { tables: ['t'] } }, /targets\.it: .*takes no schema/],
  ])('%s', async (_, wanted, what) =>
    complains({ [key]: JSON.stringify({ targets: { it: { url: 'redis://x', ...wanted } } }) }, what),
  )

  test.concurrent('two configurations in one folder', () =>
    complains({ [key]: '{}', 'holdfast.config.yml': '' }, /more than one configuration: .*keep one/))

  test.concurrent('a file that is not there', async () => {
    expectComplaint(
      await holdfast(['wait', '-c', 'not-here.json']),
      78,
      /not-here\.json: there is no such file/,
    )
  })

  test.concurrent('an address in it that is none', async ({ expect }) => {
    const result = await holdfast(['wait'], {
      cwd: json({ targets: { db: 'postgres://u:topsecret2@h:x/' } }),
    })
    expect(result.status === 64 || result.status === 78).toBe(true)
    expectComplaint(result, result.status ?? 0, /not a port/)
    expect(result.stderr).not.toContain('topsecret2')
  })

  test.concurrent('a name that it does not have', async () => {
    const cwd = json({ targets: { cache: 'redis://x' } })
    expectComplaint(await holdfast(['wait', 'cashe'], { cwd }), 64, /did you mean cache\?/)
  })
})
