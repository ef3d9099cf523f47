import { readdirSync, readFileSync } from 'node:fs'

/** The repository's root, with a trailing slash. */
export const root = new URL('..', import.meta.url)

export const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/**
 * What the package offers, as { output: source }: `index` → `src/index.ts`. The export map of package.json is
 * the only list: an entry whose types are `./dist/types/a/b.d.ts` is built from `src/a/b.ts`.
 */
export const offered = extension =>
  Object.fromEntries(
    Object.values(manifest.exports)
      .filter(target => typeof target === 'object' && target.default.endsWith(extension))
      .map(target => [
        target.default.replace('./dist/', '').slice(0, -extension.length),
        target.types.replace(/^\.\/dist\/types\/(.+)\.d\.c?ts$/, 'src/$1.ts'),
      ]),
  )

/** ES modules. Besides what is offered: what environments of Jest load outside of a test's context, and programs that share the library's parts. */
export const entries = {
  ...offered('.js'),
  'jest/outside': 'src/testing/jest/outside.ts',
  ...programsIn('src/testing/children', 'children/'),
}

/** CommonJS, where what loads them has nothing else: inside of Jest's contexts there is no `require` of ES modules. */
export const commonJs = offered('.cjs')

/** Programs that load one package and little else, each in one file: `dist/children/NAME.cjs`. */
export const children = programsIn('src/standin/children')

/** The command line, which is built in its own way (bundle-cli.mjs). */
export const cli = 'src/cli/main.ts'

function programsIn(folder, prefix = '') {
  const files = readdirSync(new URL(folder, root))
  return Object.fromEntries(files.map(file => [prefix + file.replace(/\.ts$/, ''), `${folder}/${file}`]))
}
