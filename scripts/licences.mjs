import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './entries.mjs'

/** What may be bundled into an Apache-2.0 package with no more than its notice. */
const PERMISSIVE = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD']

/**
 * The notices of every package that esbuild put into the bundle. A package that was bundled without being
 * listed, or whose licence is missing, stops the build.
 */
export function licences(metafile, allowed) {
  const inside = Object.values(metafile.outputs).flatMap(output => Object.keys(output.inputs))
  const names = new Set(
    inside.flatMap(path => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1] ?? []).sort(),
  )
  return [...names].map(name => notice(name, allowed)).join(`\n${'-'.repeat(80)}\n\n`)
}

function notice(name, allowed) {
  if (!allowed.includes(name)) {
    throw new Error(
      `${name} was bundled: list it in scripts/build.mjs as bundled, or in package.json to keep it out`,
    )
  }
  const folder = fileURLToPath(new URL(`node_modules/${name}/`, root))
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find(entry => /^licen[cs]e/i.test(entry))
  if (!PERMISSIVE.includes(license) || !file) {
    throw new Error(
      `${name} was bundled, and its licence (${license}) is not one that permits it by a notice`,
    )
  }
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
}
