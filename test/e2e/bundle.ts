import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Output {
  entryPoint?: string
  inputs: Record<string, unknown>
  imports: { path: string; kind: string; external?: boolean }[]
}

/** esbuild's metafile, as far as this needs it. */
export interface Meta {
  outputs: Record<string, Output>
}

/**
 * The files of dist that the gate needs for some services: those that one run loaded (Node writes the address of
 * every script into its coverage), and what of these services is loaded only once a server answers.
 */
export function gate(of: { coverage: string; installed: string; meta: Meta; services: string[] }): string[] {
  const needed = new Set<string>()
  for (const file of readdirSync(of.coverage)) {
    const { result } = JSON.parse(readFileSync(join(of.coverage, file), 'utf8')) as {
      result: { url: string }[]
    }
    for (const { url } of result) {
      if (url.startsWith(`${of.installed}/`)) needed.add(url.slice(of.installed.length + 1))
    }
  }
  const late = new RegExp(`^src/(services/(${of.services.join('|')})|wire)/`)
  for (const path of needed) {
    for (const { path: next, kind, external } of of.meta.outputs[path]?.imports ?? []) {
      const room = of.meta.outputs[next]?.entryPoint ?? ''
      if (!external && (kind === 'import-statement' || late.test(room))) needed.add(next)
    }
  }
  const sources = [...needed].flatMap(path => Object.keys(of.meta.outputs[path]?.inputs ?? {}))
  for (const service of of.services) {
    const loaded = sources.some(path => path.startsWith(`src/services/${service}/`))
    if (!loaded) throw new Error(`the run did not load the service ${service}, so its size says nothing`)
  }
  return [...needed]
}
