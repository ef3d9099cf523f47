import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { root } from './entries.mjs'

const cwd = fileURLToPath(root)

/** A tool of node_modules, by the name of its command. */
export const tool = name => fileURLToPath(new URL(`node_modules/.bin/${name}`, root))

/**
 * Runs a command in the repository's root. Never rejects: a command that cannot be started has status 127.
 * With `inherit` its output goes straight through, else it comes back as `output`. A request to end is passed on
 * (the terminal's own SIGINT reaches the child without help).
 */
export function run(command, args, { inherit = false, env = {} } = {}) {
  const started = performance.now()
  return new Promise(resolve => {
    const colour = process.stdout.isTTY && !('NO_COLOR' in process.env) ? { FORCE_COLOR: '1' } : {}
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...colour, ...env },
      stdio: inherit ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', text => {
        output += text
      })
    }
    const end = () => child.kill('SIGTERM')
    process.on('SIGTERM', end).on('SIGHUP', end)
    const done = (status, said) => {
      process.off('SIGTERM', end).off('SIGHUP', end)
      resolve({ status, output: said, ms: performance.now() - started })
    }
    child.on('error', error => done(127, String(error)))
    child.on('close', (code, signal) => done(code ?? 1, signal ? `${output}\nended by ${signal}` : output))
  })
}

export const seconds = ms => `${(ms / 1000).toFixed(1)} s`

/** One line about a finished step, and all that it said if it failed. */
export function show({ name, ok, output, ms }) {
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(16)} ${seconds(ms).padStart(7)}`)
  if (!ok) console.log(`${output.trim()}\n`)
}
