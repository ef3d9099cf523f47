import { type ExecFileOptions, execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gate } from './bundle.js'

/** What the package may weigh, in kB of 1000 bytes. */
const BUDGET = { packed: 700, unpacked: 2050, gate: 100 }

const root = fileURLToPath(new URL('../../', import.meta.url))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const paths = Object.entries<string | { default: string }>(manifest.exports)
const specifier = (path: string) => path.replace(/^\./, manifest.name)
const code = paths.filter(([, target]) => typeof target === 'object').map(([path]) => specifier(path))
const commonJs = new Set(
  paths.flatMap(([path, target]) =>
    typeof target === 'object' && target.default.endsWith('.cjs') ? [specifier(path)] : [],
  ),
)
const data = paths.filter(([, target]) => typeof target === 'string').map(([path]) => specifier(path))

let folder: string
let project: string
let installed: string
let pack: { filename: string; size: number; unpackedSize: number; files: { path: string; mode: number }[] }

/** A clean environment: npm's own variables, from `npm test`, would reach into the npm that is started here. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS)/i.test(name)),
)

const run = (file: string, args: string[], options: ExecFileOptions = {}) =>
  promisify(execFile)(file, args, { cwd: project, env, encoding: 'utf8', ...options }) as Promise<{
    stdout: string
    stderr: string
  }>

beforeAll(async () => {
  if (!existsSync(join(root, 'dist/types/index.d.ts'))) throw new Error('no dist: run `npm run build` first')
  folder = mkdtempSync(join(tmpdir(), 'holdfast-package-'))
  project = join(folder, 'project')
  installed = join(project, 'node_modules', manifest.name)
  mkdirSync(project)
  const arguments_ = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const packed = JSON.parse((await run('npm', arguments_, { cwd: root })).stdout)
  pack = Array.isArray(packed) ? packed[0] : packed[manifest.name]
  writeFileSync(join(project, 'package.json'), '{ "private": true }')
  const install = ['install', '--no-audit', '--no-fund', join(folder, pack.filename)]
  await run('npm', [...install, '--offline']).catch(() => run('npm', [...install, '--prefer-offline']))
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Optional peers, and their types, are the user's to install: lends this checkout's to the project. */
function lendPeers() {
  for (const name of [...Object.keys(manifest.peerDependenciesMeta ?? {}), '@types/pg']) {
    const [from, to] = [root, project].map(base => join(base, 'node_modules', name)) as [string, string]
    if (!existsSync(from) || existsSync(to)) continue
    mkdirSync(dirname(to), { recursive: true })
    symlinkSync(from, to)
  }
}

describe('the packed package', () => {
  test('holds only what it says it holds', () => {
    const allowed =
      /^(bin\/entrypoint\.sh|dist\/.+|schema\/.+\.json|LICENSE|README\.md|CHANGELOG\.md|package\.json)$/
    const files = pack.files.map(({ path }) => path)
    expect(files.filter(path => !allowed.test(path))).toEqual([])
    expect(files.filter(path => /\.(map|test|bench)\b|(^|\/)(test|meta\.json)$/.test(path))).toEqual([])
    expect(files.filter(path => path.startsWith('dist/') && !/\.(c?js|d\.c?ts|txt)$/.test(path))).toEqual([])
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'CHANGELOG.md', 'dist/cli.cjs']))
  })

  test('names no folder of the machine that built it, and no source map', () => {
    const secrets = [root.replace(/\/$/, ''), `${homedir()}/`, 'sourceMappingURL']
    for (const { path } of pack.files) {
      const text = readFileSync(join(installed, path), 'utf8')
      for (const secret of secrets) expect(text.includes(secret), `${secret} in ${path}`).toBe(false)
    }
  })

  test('carries the licence of every package that is bundled into it', () => {
    const notices = readFileSync(join(installed, 'dist/THIRD-PARTY-LICENSES.txt'), 'utf8')
    const meta = readFileSync(join(root, 'dist/meta.json'), 'utf8')
    const bundled = new Set(
      [...meta.matchAll(/"[^"]*node_modules\/((?:@[^/"]+\/)?[^/"]+)\//g)].map(([, name]) => name),
    )
    for (const name of bundled) expect(notices).toMatch(new RegExp(`^${name} \\d`, 'm'))
  })

  test(`weighs less than ${BUDGET.packed} kB packed and ${BUDGET.unpacked} kB unpacked`, () => {
    expect(pack.size / 1000).toBeLessThan(BUDGET.packed)
    expect(pack.unpackedSize / 1000).toBeLessThan(BUDGET.unpacked)
  })
})

describe('the installed package', () => {
  test('loads without any of its optional peers', async () => {
    await run('node', ['--input-type=module', '--eval', `await import('${manifest.name}')`])
  })

  test.each(code)('%s loads by import and by require, and has named exports only', async name => {
    lendPeers()
    const names = 'JSON.stringify(Object.keys(it).sort())'
    const asked = await Promise.all([
      run('node', [
        '--input-type=module',
        '--eval',
        `const it = await import('${name}'); console.log(${names})`,
      ]),
      run('node', [
        '--input-type=commonjs',
        '--eval',
        `const it = require('${name}'); console.log(${names})`,
      ]),
    ])
    const [imported, required] = asked.map(({ stdout }) => JSON.parse(stdout) as string[]) as [
      string[],
      string[],
    ]
    expect(imported.length).toBeGreaterThan(0)
    if (commonJs.has(name)) {
      // By import its default is the whole module; where Jest loads a module it takes `default`.
      const named = (keys: string[]) =>
        keys.filter(key => !/^(default|module\.exports|__esModule)$/.test(key))
      expect(named(required)).toEqual(named(imported))
      return
    }
    expect(imported).not.toContain('default')
    expect(required.filter(key => key !== '__esModule')).toEqual(imported)
  })

  test.each(data)('%s loads as JSON', async name => {
    await run('node', ['--input-type=commonjs', '--eval', `require('${name}')`])
    await run('node', [
      '--input-type=module',
      '--eval',
      `await import('${name}', { with: { type: 'json' } })`,
    ])
  })

  test.each([
    ['nodenext', ['consumer.ts', 'consumer.cts']],
    ['bundler', ['consumer.ts']],
  ])('its types resolve under %s', async (moduleResolution, files) => {
    lendPeers()
    const own = mkdtempSync(join(project, 'types-'))
    for (const file of files) {
      const lines = code.map((name, i) => {
        const how = file.endsWith('.cts')
          ? `import it${i} = require('${name}')`
          : `import * as it${i} from '${name}'`
        return `${how}\nexport const all${i}: object = it${i}`
      })
      writeFileSync(join(own, file), lines.join('\n'))
    }
    const compilerOptions = {
      module: moduleResolution === 'bundler' ? 'esnext' : moduleResolution,
      moduleResolution,
      target: 'es2023',
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    }
    writeFileSync(join(own, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
    const { stdout } = await run(join(root, 'node_modules/.bin/tsc'), ['-p', own]).catch(error => error)
    expect(stdout).toBe('')
  })

  test('its command tells its version', async () => {
    const { stdout } = await run(join(project, 'node_modules/.bin', 'holdfast'), ['--version'])
    expect(stdout).toContain(manifest.version)
  })
})

describe('the gate', () => {
  test(`loads no more than ${BUDGET.gate} kB to wait for Postgres and Redis`, async () => {
    const coverage = mkdtempSync(join(folder, 'coverage-'))
    const targets = ['postgres://a:b@127.0.0.1:1/c', 'redis://127.0.0.1:1']
    const args = [join(installed, 'dist/cli.cjs'), 'wait', '--once', ...targets]
    await run('node', args, { env: { ...env, NODE_V8_COVERAGE: coverage } }).catch(error =>
      expect(error.code, error.stderr).toBe(1),
    )
    const loaded = gate({
      coverage,
      installed: pathToFileURL(installed).href,
      meta: JSON.parse(readFileSync(join(root, 'dist/meta.json'), 'utf8')),
      services: ['postgres', 'redis'],
    })
    expect(loaded).toContain('dist/cli.cjs')
    const sizes = loaded.map(path => [relative('dist', path), statSync(join(installed, path)).size] as const)
    const total = sizes.reduce((sum, [, size]) => sum + size, 0)
    expect(total / 1000, JSON.stringify(sizes)).toBeLessThan(BUDGET.gate)
  })
})
