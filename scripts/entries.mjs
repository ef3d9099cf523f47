import { readdirSync, readFileSync } from 'node:fs'

/** The repository's root, with a trailing slash. */
export const root = new URL('..', import.meta.url)

export const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

/**
 * What the package offers, as { output: source }: `index` → `src/index.ts`. The export map of package.json is
 * the only list: an entry whose types are `./dist/types/a/b.d.ts` is built from `src/a/b.ts`.
 */
const offered = extension =>
  Object.fromEntries(
    Object.values(manifest.exports)
      .filter(target => typeof target === 'object' && target.default.endsWith(extension))
      .map(target => [
        target.default.replace('./dist/', '').slice(0, -extension.length),
        target.types.replace(/^\.\/dist\/types\/(.+)\.d\.c?ts$/, 'src/$1.ts'),
      ]),
  )

/** ES modules; the last is what environments of Jest load outside of a test's context. */
export const entries = { ...offered('.js'), 'jest/outside': 'src/testing/jest/outside.ts' }

/** CommonJS, where what loads them has nothing else: inside of Jest's contexts there is no `require` of ES modules. */
export const commonJs = offered('.cjs')

/** The programs that run in processes of their own: `dist/children/NAME.cjs` from each. */
export const children = Object.fromEntries(
  ['src/standin/children', 'src/testing/children'].flatMap(folder =>
    readdirSync(new URL(folder, root)).map(file => [file.replace(/\.ts$/, ''), `${folder}/${file}`]),
  ),
)

/** The command line, which is built in its own way (bundle-cli.mjs). */
export const cli = 'src/cli/main.ts'
