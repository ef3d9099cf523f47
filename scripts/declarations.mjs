// The declarations of what the package offers, and of what those name; nothing else of the sources is the users'.
import { readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commonJs, offered } from './entries.mjs'
import { run, tool } from './run.mjs'

const SPECIFIER = /((?:from |import\()['"])(\.[^'"]+)\.js(?=['"])/g

/** Writes them into `folder`. */
export async function declarations(folder) {
  const { status, output } = await run(tool('tsc'), ['-p', 'tsconfig.build.json', '--outDir', folder])
  if (status !== 0) throw new Error(`declarations: tsc ended with ${status}\n${output}`)
  const named = sources => reached(sources.map(file => join(folder, file.replace(/^src\/(.+)\.ts$/, '$1'))))
  // `FILE.d.cts` beside `FILE.d.ts`: the name says of what kind the module is.
  const twins = named(Object.values(commonJs))
  for (const file of twins)
    writeFileSync(`${file}.d.cts`, readFileSync(`${file}.d.ts`, 'utf8').replace(SPECIFIER, '$1$2.cjs'))
  const kept = new Set([...named(Object.values(offered('.js'))), ...twins])
  for (const file of readdirSync(folder, { recursive: true })) {
    const path = join(folder, file)
    if (path.endsWith('.d.ts') && !kept.has(path.slice(0, -'.d.ts'.length))) rmSync(path)
  }
  removeEmpty(folder)
}

/** These files, without their ending, and all that their declarations name. */
function reached(files, done = new Set()) {
  for (const file of files) {
    if (done.has(file)) continue
    done.add(file)
    const text = readFileSync(`${file}.d.ts`, 'utf8')
    reached(
      [...text.matchAll(SPECIFIER)].map(([, , path]) => join(dirname(file), path)),
      done,
    )
  }
  return done
}

function removeEmpty(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeEmpty(join(folder, entry.name))
  if (readdirSync(folder).length === 0) rmdirSync(folder)
}
