// The command line as CommonJS: cli.cjs, which every run reads, and in cli/ a file for each dynamic import. At a cold
// start a file costs a quarter of a millisecond, a kilobyte of code 0.03, and the first ES module three.
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import { cli } from './entries.mjs'

/** In cli.cjs although imported dynamically: small, needed by most runs, and late for the sake of Node's modules. */
const HOT = ['postgres', 'redis'].map(name => `src/services/${name}/index.ts`)

const nameOf = source =>
  source
    .replace(/^src\/|^.*node_modules\/([^/]+)\/.*/, '$1')
    .replace(/(\/index)?\.[jt]s$/, '')
    .replaceAll('/', '-')

/** The modules that are loaded with an entry. */
function closure(inputs, entry, found = new Set()) {
  found.add(entry)
  for (const { path, kind, external } of inputs[entry].imports)
    if (kind === 'import-statement' && !external && !found.has(path)) closure(inputs, path, found)
  return found
}

/**
 * esbuild splits ES modules only. Here each import in `taken` becomes a `require`, in place and cached as an import
 * is; a dynamic import of a module of Node's does, too.
 */
const take = (cwd, taken) => ({
  name: 'take',
  setup({ onLoad, onResolve, resolve }) {
    const virtual = (path, code) => ({ path, namespace: 'taken', pluginData: `module.exports = ${code}` })
    onResolve({ filter: /./ }, async ({ path, kind, pluginData, ...from }) => {
      if (from.namespace === 'taken') return { path, external: true }
      if (pluginData === take || kind === 'entry-point') return undefined
      if (path.startsWith('node:'))
        return kind === 'dynamic-import' ? virtual(path, `require('${path}')`) : undefined
      const found = await resolve(path, { kind, ...from, pluginData: take })
      const source = relative(cwd, found.path)
      const code = taken(source, kind)
      return code && !found.external ? virtual(source, code) : found
    })
    onLoad({ filter: /./, namespace: 'taken' }, ({ pluginData }) => ({ contents: pluginData }))
  },
})

/** Builds it with esbuild's `options`; resolves with what esbuild says of each file. */
export async function bundleCli({ outdir, ...options }) {
  const cwd = options.absWorkingDir
  const whole = await build({ ...options, entryPoints: [cli], format: 'esm', outdir, write: false })
  const { inputs } = whole.metafile
  const hot = closure(inputs, cli)
  const late = new Set(
    Object.values(inputs)
      .flatMap(({ imports }) => imports)
      .filter(({ kind, external, path }) => kind === 'dynamic-import' && !external && !HOT.includes(path))
      .map(({ path }) => path)
      .filter(path => !hot.has(path)),
  )
  // Every error class of ours names itself; nobody reads other names in the command line's output.
  const own = { ...options, format: 'cjs', keepNames: false }
  const shared = new Set()
  const parts = await Promise.all(
    [...late].map(source =>
      build({
        ...own,
        entryPoints: [source],
        outfile: join(outdir, 'cli', `${nameOf(source)}.cjs`),
        define: { ...options.define, 'import.meta.url': 'here' },
        banner: { js: '"use strict";const here = require("node:url").pathToFileURL(__filename).href;' },
        plugins: [
          take(cwd, (path, kind) => {
            // A package that is a file of its own already is not bundled a second time.
            const own = kind === 'dynamic-import' || path.includes('node_modules/')
            if (late.has(path) && own && path !== source) return `require('./${nameOf(path)}.cjs')`
            if (!hot.has(path)) return undefined
            shared.add(path)
            return `require('../cli.cjs')['${path}']`
          }),
        ],
      }),
    ),
  )
  const first = await build({
    ...own,
    stdin: {
      contents: [
        `import './${cli}'`,
        ...[...shared].map(path => `export * as '${path}' from './${path}'`),
      ].join('\n'),
      resolveDir: cwd,
    },
    outfile: join(outdir, 'cli.cjs'),
    banner: { js: '#!/usr/bin/env node\n"use strict";' },
    logOverride: { 'empty-import-meta': 'error' },
    plugins: [
      take(cwd, (path, kind) =>
        late.has(path) && kind === 'dynamic-import' ? `require('./cli/${nameOf(path)}.cjs')` : undefined,
      ),
    ],
  })
  await withoutAnnotation(join(outdir, 'cli.cjs'))
  return [first, ...parts]
}

/** Takes out what esbuild writes for ES modules that import a CommonJS one by name: nobody imports this one. */
async function withoutAnnotation(file) {
  const text = await readFile(file, 'utf8')
  const at = text.lastIndexOf('0&&(module.exports={')
  if (at < 0) throw new Error(`${file}: no annotation to take out; esbuild writes it in another way`)
  await writeFile(file, text.slice(0, at) + text.slice(text.indexOf('})', at) + 2).replace(/^;/, ''))
}
