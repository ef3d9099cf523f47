import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { tempFolder } from '../support/root.js'

/** Builds program.ts, for processes of their own. */
export async function buildProgram(): Promise<string> {
  const folder = tempFolder('isolation')
  writeFileSync(join(folder, 'schema.sql'), '')
  const outfile = join(folder, 'program.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL('program.ts', import.meta.url))],
    ...{ outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' },
    define: { 'import.meta.url': '"file:///holdfast.js"' },
    external: ['jiti', 'yaml', 'zod', 'zod/mini'],
  })
  return outfile
}

export interface Program {
  readonly child: ChildProcess
  /** The database that it got. */
  readonly name: string
  /** Lets it end; resolves with its exit status. */
  end(): Promise<number | null>
}

/** Starts a run and resolves once it has its database. */
export async function startProgram(file: string, url: string, migrate: string): Promise<Program> {
  const child = spawn(process.execPath, [file, url, migrate], { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const [name] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited])) as [string]
  return {
    child,
    name: String(name),
    async end() {
      child.stdin.end()
      const [status] = await exited
      return status
    },
  }
}
