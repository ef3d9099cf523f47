import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { tempFolder } from '../support/root.js'
import { PLAIN_ENV } from '../support/run.js'
import type { Kind } from './world.js'

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))

/** Builds program.ts, for processes of their own. */
export async function buildProgram(folder = tempFolder('surprises')): Promise<string> {
  const outfile = join(folder, 'program.cjs')
  await build({
    entryPoints: [fileURLToPath(new URL('program.ts', import.meta.url))],
    ...{ outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error', packages: 'external' },
    // Packages are found through NODE_PATH, which `import()` does not look at.
    supported: { 'dynamic-import': false },
    define: { 'import.meta.url': '"file:///holdfast.js"' },
  })
  return outfile
}

export interface Ending {
  /** What the program returned; undefined when it crashed. */
  readonly said: unknown
  readonly status: number | null
  readonly stderr: string
}

export interface ChildOptions {
  readonly kind?: Kind
  readonly told: object
  readonly execArgv?: string[]
  /** Everything that it says on its way. */
  readonly heard?: (message: never) => void
  /** It is killed after this; default 20 s. */
  readonly timeoutMs?: number
}

/** Runs a part of the program to its end. */
export function runChild(program: string, part: string, options: ChildOptions): Promise<Ending> {
  const { kind = 'ours', told, execArgv = [], heard, timeoutMs = 20_000 } = options
  return new Promise((resolve, reject) => {
    const child: ChildProcess = fork(program, [part, kind], {
      execArgv,
      cwd: '/',
      env: { ...PLAIN_ENV, NODE_PATH: packages },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      serialization: 'advanced',
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let stderr = ''
    let said: unknown
    child.stderr?.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.on('message', (message: { said?: unknown }) => {
      if ('said' in message) said = message.said
      else heard?.(message as never)
    })
    child.once('error', reject)
    child.once('close', status => {
      clearTimeout(timer)
      resolve({ said, status, stderr })
    })
    child.send(told)
  })
}
