/** Runs one of doctor's looks in a network of its own. */
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Health } from '../../src/core/service.js'
import type { Verdict } from '../../src/core/verdict.js'
import { type NetnsOptions, runInNetns } from './netns.js'
import { tempFolder } from './root.js'

export interface Scene {
  look: 'origins' | 'names' | 'surroundings' | 'drivers'
  address: string
  source?: string
  env?: Record<string, string>
  /** Where container and resolver are read; default this machine, as the namespace shows it. */
  root?: string
  /** Where Compose files are looked for. */
  folder?: string
  /** Ports that accept and close. */
  listen?: readonly { host: string; port: number }[]
  /** What a name server on 127.0.0.1 knows; none where it is left out. */
  zone?: Record<string, string>
  timeoutMs?: number
}

export interface Looked extends Health {
  readonly verdict: Verdict
}

let bundled: Promise<string> | undefined

function lookingProgram(): Promise<string> {
  bundled ??= (async () => {
    const outdir = tempFolder('looking')
    await build({
      entryPoints: { looking: join(import.meta.dirname, 'looking.ts') },
      outdir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      // As in scripts/build.mjs: the ES modules of it.
      alias: { yaml: join(import.meta.dirname, '../../node_modules/yaml/browser/dist/index.js') },
      logLevel: 'error',
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
    })
    return join(outdir, 'looking.mjs')
  })()
  return bundled
}

export async function lookInNetns(scene: Scene, options: NetnsOptions = {}): Promise<Looked> {
  const command = [process.execPath, await lookingProgram(), JSON.stringify(scene)]
  const { status, stdout, stderr } = await runInNetns(command, options)
  if (status !== 0) throw new Error(`the look ended with ${status}: ${stderr}`)
  return JSON.parse(stdout)
}
