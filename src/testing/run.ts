import { createHash } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { isCi } from '../core/ci.js'
import type { Env } from '../gate/variables.js'
import { startTimeOf } from '../io/owner.js'
import { commitOf } from './commit.js'

/** A process, told apart from a later one with the same id. */
export interface Being {
  readonly pid: number
  /** As `startTimeOf` of io/owner.ts gives it. */
  readonly started: string
}

/** The run of tests that this process belongs to. */
export interface Run {
  /** HOLDFAST_RUN_ID, else CI's number, else one made from the root. */
  readonly id: string
  readonly ci: boolean
  /** The process with which the run ends: the runner's main one, or `holdfast test`. */
  readonly root: Being
  /** The worker of the test runner. */
  readonly worker?: string
  readonly commit?: string
}

/** Names the root for what it starts: `PID:START`. */
export const ROOT_VARIABLE = 'HOLDFAST_RUN_ROOT'
export const ID_VARIABLE = 'HOLDFAST_RUN_ID'

/** The run of this process. `cwd` is where its commit is looked for; `root` is given where this process begins a run. */
export function runOf(env: Env = process.env, cwd?: string, root = rootOf(env)): Run {
  const worker = env.VITEST_POOL_ID || env.JEST_WORKER_ID
  const commit = commitOf(env, cwd)
  return {
    id: env[ID_VARIABLE] || ciRun(env) || `${root.pid}-${digest(root)}`,
    ci: isCi(env),
    root,
    ...(worker ? { worker } : {}),
    ...(commit ? { commit } : {}),
  }
}

/** As HOLDFAST_RUN_ROOT has it. */
export const named = ({ pid, started }: Being): string => `${pid}:${started}`

/** The process that a text of `named` is about, while it lives: what outlived its run, in a shell or a daemon, means nothing. */
export function livingIn(text: string | undefined): Being | undefined {
  const [, pid, started] = /^(\d+):(.+)$/.exec(text ?? '') ?? []
  const found = pid && started ? { pid: Number(pid), started } : undefined
  return found && isAlive(found) ? found : undefined
}

/** What a process that starts others hands on, so that they belong to its run. */
export const handedOn = ({ id, root }: Run): Record<string, string> => ({
  [ID_VARIABLE]: id,
  [ROOT_VARIABLE]: named(root),
})

/** Tells a root from others on this machine, also in other containers that share a folder with it. */
export function digest({ pid, started }: Being): string {
  let space = ''
  try {
    space = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has them.
  }
  return createHash('sha256').update(`${pid} ${started} ${space}`).digest('hex').slice(0, 12)
}

export const isAlive = ({ pid, started }: Being): boolean => startTimeOf(pid) === started

function rootOf(env: Env): Being {
  const root = livingIn(env[ROOT_VARIABLE])
  if (root) return root
  if (isWorker(env)) {
    const parent = beingOf(process.ppid)
    if (parent) return parent
  }
  return beingOf(process.pid) ?? { pid: process.pid, started: '' }
}

function beingOf(pid: number): Being | undefined {
  const started = startTimeOf(pid)
  return started === undefined ? undefined : { pid, started }
}

/** Vitest and Jest fork their workers with a channel; what a worker starts inherits the variables without it. */
const isWorker = (env: Env): boolean =>
  (process.send !== undefined && Boolean(env.VITEST_POOL_ID || env.JEST_WORKER_ID)) ||
  Boolean(env.NODE_TEST_CONTEXT)

/** The number of a build, by what the system that builds says of itself. */
const CI_RUNS: readonly (readonly string[])[] = [
  ['GITHUB_RUN_ID', 'GITHUB_RUN_ATTEMPT'],
  ['CI_PIPELINE_ID'],
  ['BUILDKITE_BUILD_ID'],
  ['CIRCLE_WORKFLOW_ID'],
  ['TRAVIS_BUILD_ID'],
  ['BUILD_BUILDID'],
  ['BITBUCKET_BUILD_NUMBER'],
  ['DRONE_BUILD_NUMBER'],
  ['SEMAPHORE_WORKFLOW_ID'],
  ['APPVEYOR_BUILD_ID'],
  ['CODEBUILD_BUILD_ID'],
  ['BUILD_TAG'],
]

function ciRun(env: Env): string | undefined {
  const found = CI_RUNS.find(([first = '']) => env[first])
  return found?.flatMap(name => env[name] ?? []).join('-')
}
