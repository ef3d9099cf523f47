import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The file of a program that runs in a process of its own: beside the bundle that this is part of; from the sources in dist. */
export function childProgram(name: string): string {
  const places = ['./children/', '../children/', '../../dist/children/']
  const files = places.flatMap(place =>
    ['cjs', 'js'].map(kind => fileURLToPath(new URL(`${place}${name}.${kind}`, import.meta.url))),
  )
  const file = files.find(existsSync)
  if (!file) throw new Error(`children/${name} is not beside ${import.meta.url}`)
  return file
}
