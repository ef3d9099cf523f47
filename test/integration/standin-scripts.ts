import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach } from 'vitest'
import { tempFolder } from '../support/root.js'
import { killGroup, PLAIN_ENV } from '../support/run.js'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const children = new Set<ChildProcess>()
const folders = new Set<string>()

afterEach(() => {
  for (const child of children) killGroup(child.pid)
  children.clear()
})

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Bundles TypeScript, with imports as from the root of the repository, into a script that plain node runs. */
export async function script(contents: string): Promise<string> {
  const folder = tempFolder('script')
  folders.add(folder)
  const outfile = join(folder, 'script.mjs')
  await build({
    stdin: { contents, resolveDir: repository, loader: 'ts' },
    ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile, logLevel: 'error' },
  })
  return outfile
}

export interface Running {
  readonly pid: number
  /** The one JSON value that the script printed first, once it did. */
  readonly said: Promise<unknown>
  /** SIGKILL to the script alone. */
  kill(): Promise<void>
}

/** Starts a script that prints a line of JSON and goes on. It is killed after the test at the latest. */
export function start(file: string, options: { env?: Record<string, string> } = {}): Running {
  const child = spawn(process.execPath, [file], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...PLAIN_ENV, ...options.env },
  })
  children.add(child)
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const said = new Promise((resolve, reject) => {
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => {
      out += chunk
      if (out.includes('\n')) resolve(JSON.parse(out.slice(0, out.indexOf('\n'))))
    })
    child.stderr.on('data', chunk => {
      err += chunk
    })
    child.once('close', () => reject(new Error(`the script ended without an answer: ${err}`)))
  })
  said.catch(() => {})
  return {
    pid: child.pid ?? 0,
    said,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}
