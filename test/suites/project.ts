import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempFolder } from '../support/root.js'
import type { Runner } from './runner.js'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** A folder with a suite of so many files. */
export function writeSuite(runner: Runner, files: number): string {
  const folder = tempFolder('suite')
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  for (let n = 1; n <= files; n++) {
    const { name, text } = runner.file(n)
    put(name, text)
  }
  for (const [path, text] of Object.entries(runner.project)) put(path, text)
  if (runner.decides === 'inside') install(join(folder, 'node_modules'), runner.packages)
  return folder
}

/** Holdfast as npm installs it, a copy, so that a runner treats it as it does a user's; and packages beside it. */
function install(modules: string, packages: readonly string[]): void {
  const own = join(modules, 'holdfast')
  mkdirSync(own, { recursive: true })
  for (const name of ['package.json', 'dist']) cpSync(join(root, name), join(own, name), { recursive: true })
  for (const name of ['jiti', ...packages]) {
    mkdirSync(dirname(join(modules, name)), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}
