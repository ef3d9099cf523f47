/** examples/shop as its README has it installed: beside its packages, with holdfast among them. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from '../conformance/runners/play.js'
import { type CliHandle, type CliOptions, holdfast, spawnHoldfast } from './cli.js'
import { tempFolder } from './root.js'

const EXAMPLE = fileURLToPath(new URL('../../examples/shop', import.meta.url))

export type Env = Record<string, string>

/** A copy, which needs the built package. */
export function shopFolder(): string {
  const folder = join(tempFolder('shop'), 'shop')
  cpSync(EXAMPLE, folder, { recursive: true, filter: path => !path.endsWith('/node_modules') })
  install(folder, ['fastify', 'ioredis'])
  return folder
}

/** One of the shop's programs, to its end. */
export const program = (shop: string, name: string, env: Env, options: CliOptions = {}) =>
  holdfast([], { entry: join(shop, name), cwd: shop, env, ...options })

/** One of the shop's programs, in the background. */
export const start = (shop: string, name: string, env: Env): CliHandle =>
  spawnHoldfast([], { entry: join(shop, name), cwd: shop, env, timeoutMs: 600_000 })

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the shop said
  readonly body: any
  readonly headers: Headers
  readonly ms: number
}

export interface Server {
  readonly child: CliHandle
  readonly base: string
  get(path: string): Promise<Answer>
  post(path: string, body: unknown): Promise<Answer>
  /** TERM, and what it ended with. */
  stop(): ReturnType<typeof holdfast>
}

/** The shop's server on a port of its own, once it listens. */
export async function startServer(shop: string, env: Env): Promise<Server> {
  const child = start(shop, 'server.js', { PORT: '0', ...env })
  const port = (await child.waitForStdout(/listening on (\d+)/))[1]
  const base = `http://127.0.0.1:${port}`
  const ask = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const began = performance.now()
    const response = await fetch(base + path, init)
    const text = await response.text()
    const body = /\bjson\b/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text
    return { status: response.status, body, headers: response.headers, ms: performance.now() - began }
  }
  return {
    child,
    base,
    get: path => ask(path),
    post: (path, body) =>
      ask(path, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    stop: () => {
      child.kill()
      return child.exited
    },
  }
}
