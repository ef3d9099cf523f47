import { spawn } from 'node:child_process'

/**
 * Runs a command to its end; never rejects for what it did. `limitMs` (default 120 s) kills it with its process group.
 * `text` is both streams as they came.
 */
export function run([command, ...args], { cwd, env, limitMs = 120_000 } = {}) {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = { stdout: '', stderr: '', text: '' }
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', chunk => {
        said[name] += chunk
        said.text += chunk
      })
    let late = false
    const timer = setTimeout(() => {
      late = true
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {}
    }, limitMs)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const status = code ?? `${signal}${late ? ` after ${limitMs} ms` : ''}`
      resolve({ status, ...said, ms: performance.now() - began })
    })
  })
}

/** Like `run`; rejects with what it said unless it ended with 0. Resolves with its standard output. */
export async function must(command, options) {
  const { status, stdout, text } = await run(command, options)
  if (status === 0) return stdout.trim()
  throw new Error(`${command.join(' ')}: ended with ${status}\n${text.trim().slice(-4000)}`)
}

/** It complains at each start that no systemd is there to run the image's health check. */
const COMPLAINT = /^time="[^"]*" level=error msg="unable to get systemd connection .*\n/gm

/** `podman ARGS`, whatever its status. */
export async function podman(args, options) {
  const end = await run(['podman', ...args], options)
  const [stderr, text] = [end.stderr, end.text].map(said => said.replace(COMPLAINT, ''))
  return { ...end, stderr, text }
}

/** `podman ARGS`, which must succeed; its standard output. */
export const mustPodman = (args, options) => must(['podman', ...args], options)
