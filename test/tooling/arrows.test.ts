import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folders: string[] = []

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const LEGAL: Record<string, string> = {
  'package.json': JSON.stringify({
    name: 'planted',
    type: 'module',
    dependencies: { kept: '1' },
    devDependencies: { zod: '1', tool: '1' },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { module: 'NodeNext', target: 'ES2023', verbatimModuleSyntax: true },
  }),
  ...Object.fromEntries(
    ['kept', 'zod', 'tool'].flatMap(name => [
      [`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })],
      [`node_modules/${name}/index.js`, 'module.exports = 1'],
    ]),
  ),
  'src/index.ts': `export { wait } from './gate/wait.js'\nexport { classify } from './services/classify.js'\nexport type { Service } from './core/service.js'`,
  'src/core/verdict.ts': 'export type Verdict = { ready: boolean }',
  'src/core/service.ts': `import type { Verdict } from './verdict.js'\nexport type Service = { verdict: Verdict }`,
  'src/core/service.test.ts': `import { readFileSync } from 'node:fs'\nimport './service.js'\nreadFileSync('x')`,
  'src/io/dial.ts': `import net from 'node:net'\nexport const dial = () => net.connect(1)`,
  'src/wire/redis.ts': `import type { Verdict } from '../core/verdict.js'\nexport const ping = (v: Verdict) => v`,
  'src/services/sql.ts': 'export const one = 1',
  'src/services/tcp/index.ts': `import net from 'node:net'\nimport { one } from '../sql.js'\nexport const tcp = [net, one]`,
  'src/services/redis/index.ts': `import { ping } from '../../wire/redis.js'\nimport { own } from './own.js'\nexport const redis = [ping, own]`,
  'src/services/redis/own.ts': 'export const own = 1',
  'src/services/redis/classify.ts': 'export const rules = 1',
  'src/services/classify.ts': `import { rules } from './redis/classify.js'\nexport const classify = rules`,
  'src/services/registry.ts': `export const services = { tcp: () => import('./tcp/index.js'), redis: () => import('./redis/index.js') }`,
  'src/gate/wait.ts': `import { services } from '../services/registry.js'\nimport type { Service } from '../core/service.js'\nexport const wait = (s: Service) => [s, services]`,
  'src/standin/ladder.ts': `import { wait } from '../gate/wait.js'\nexport const ladder = wait`,
  'src/chaos/proxy.ts': `import net from 'node:net'\nimport { ping } from '../wire/redis.js'\nexport const proxy = [net, ping]`,
  'src/cli/main.ts': `import { ladder } from '../standin/ladder.js'\nimport 'kept'\nexport const main = async () => [ladder, await import('zod'), await import('../chaos/proxy.js')]`,
}

/** Cruises a small tree with this repository's rules; the result is every violation as `rule: from → to`. */
async function violations(planted: Record<string, string> = {}): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-arrows-'))
  folders.push(folder)
  for (const [path, text] of Object.entries({ ...LEGAL, ...planted })) {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), `${text}\n`)
  }
  const args = ['--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src']
  const output = await new Promise<string>((resolve, reject) =>
    execFile(
      join(root, 'node_modules/.bin/depcruise'),
      args,
      { cwd: folder, maxBuffer: 1e8 },
      (error, stdout, stderr) => (stdout ? resolve(stdout) : reject(error ?? new Error(stderr))),
    ),
  )
  const { summary } = JSON.parse(output) as {
    summary: { totalCruised: number; violations: { rule: { name: string }; from: string; to: string }[] }
  }
  expect(summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(LEGAL).filter(p => /^src/.test(p)).length)
  return summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`).sort()
}

describe.concurrent('the arrows of the architecture', () => {
  test('a legal tree passes', async () => {
    expect(await violations()).toEqual([])
  })

  test.each<[promise: string, planted: Record<string, string>, caught: string[]]>([
    [
      'core imports no Node module and no package',
      { 'src/core/a.ts': `import { readFileSync } from 'node:fs'\nimport 'kept'\nreadFileSync('x')` },
      ['core-is-pure: src/core/a.ts → fs', 'core-is-pure: src/core/a.ts → node_modules/kept/index.js'],
    ],
    [
      'core imports nothing that acts, not even its types',
      { 'src/core/a.ts': `import type { dial } from '../io/dial.js'\nexport type A = typeof dial` },
      ['core-stays-in-its-place: src/core/a.ts → src/io/dial.ts'],
    ],
    [
      'the gate meets no stand-in, also not through a file in between',
      {
        'src/gate/a.ts': `import { ladder } from '../standin/other.js'\nexport const a = ladder`,
        'src/standin/other.ts': `export const ladder = 1`,
        'src/start/b.ts': `import { a } from '../gate/a.js'\nexport const b = a`,
      },
      [
        'gate-stays-in-its-place: src/gate/a.ts → src/standin/other.ts',
        'production-meets-no-stand-in: src/gate/a.ts → src/standin/other.ts',
        'production-meets-no-stand-in: src/start/b.ts → src/standin/other.ts',
      ],
    ],
    [
      'no service imports another, nor the registry',
      {
        'src/services/a/index.ts': `import { redis } from '../redis/index.js'\nexport const a = redis`,
        'src/services/b/index.ts': `import { services } from '../registry.js'\nexport const b = services`,
      },
      [
        'only-the-gate-asks-the-registry: src/services/b/index.ts → src/services/registry.ts',
        'services-know-only-themselves: src/services/a/index.ts → src/services/redis/index.ts',
        'services-know-only-themselves: src/services/b/index.ts → src/services/registry.ts',
      ],
    ],
    [
      'classify knows every service’s rules, and of a service nothing else; no service knows it',
      {
        'src/services/classify.ts': `import { redis } from './redis/index.js'\nexport const classify = redis`,
        'src/services/a/index.ts': `import { classify } from '../classify.js'\nexport const a = classify`,
      },
      [
        'classify-takes-rules-only: src/services/classify.ts → src/services/redis/index.ts',
        'services-know-only-themselves: src/services/a/index.ts → src/services/classify.ts',
      ],
    ],
    [
      'the gate asks the registry, never a service',
      { 'src/gate/a.ts': `export const a = () => import('../services/tcp/index.js')` },
      ['services-are-behind-the-registry: src/gate/a.ts → src/services/tcp/index.ts'],
    ],
    [
      'the registry imports services lazily',
      { 'src/services/registry.ts': `import { tcp } from './tcp/index.js'\nexport const services = [tcp]` },
      ['the-registry-is-lazy: src/services/registry.ts → src/services/tcp/index.ts'],
    ],
    [
      'only services, io and the proxy touch the network',
      { 'src/gate/a.ts': `import { lookup } from 'node:dns/promises'\nexport const a = lookup` },
      ['network-in-one-place: src/gate/a.ts → dns/promises'],
    ],
    [
      'a circle through type imports is a circle',
      {
        'src/core/a.ts': `import type { B } from './b.js'\nexport type A = B | 1`,
        'src/core/b.ts': `import type { A } from './a.js'\nexport type B = A | 2`,
      },
      ['no-circles: src/core/a.ts → src/core/b.ts'],
    ],
    [
      'a fault stands on core only',
      { 'src/chaos/faults/a.ts': `import { ping } from '../../wire/redis.js'\nexport const a = ping` },
      ['faults-stand-on-core: src/chaos/faults/a.ts → src/wire/redis.ts'],
    ],
    [
      'the model stands on core only',
      { 'src/model/a.ts': `import { dial } from '../io/dial.js'\nexport const a = dial` },
      ['model-stays-in-its-place: src/model/a.ts → src/io/dial.ts'],
    ],
    [
      'the command line is on top',
      {
        'src/watch/a.ts': `import { main } from '../cli/main.js'\nexport const a = main`,
        'src/cli/b.ts': `import { wait } from '../index.js'\nexport const b = wait`,
      },
      [
        'entries-are-on-top: src/cli/b.ts → src/index.ts',
        'nothing-imports-the-command-line: src/watch/a.ts → src/cli/main.ts',
        'watch-stays-in-its-place: src/watch/a.ts → src/cli/main.ts',
      ],
    ],
    [
      'only entries re-export',
      { 'src/gate/index.ts': `export { wait } from './wait.js'` },
      ['no-barrels: src/gate/index.ts → src/gate/wait.ts'],
    ],
    [
      'the product imports no test, no tool, nothing that is not there',
      {
        'src/core/a.test.ts': 'export const a = 1',
        'src/cli/a.ts': `import '../core/a.test.js'\nimport 'tool'\nimport './gone.js'`,
      },
      [
        'everything-resolves: src/cli/a.ts → ./gone.js',
        'no-tests-in-the-product: src/cli/a.ts → src/core/a.test.ts',
        'users-have-it: src/cli/a.ts → node_modules/tool/index.js',
      ],
    ],
  ])('%s', async (_promise, planted, caught) => {
    expect(await violations(planted)).toEqual(caught)
  })
})
