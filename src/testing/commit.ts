import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Env } from '../gate/variables.js'

const VARIABLES = [
  'GITHUB_SHA',
  'CI_COMMIT_SHA',
  'BUILDKITE_COMMIT',
  'CIRCLE_SHA1',
  'TRAVIS_COMMIT',
  'BUILD_SOURCEVERSION',
  'BITBUCKET_COMMIT',
  'DRONE_COMMIT_SHA',
  'SEMAPHORE_GIT_SHA',
  'APPVEYOR_REPO_COMMIT',
  'CODEBUILD_RESOLVED_SOURCE_VERSION',
  'GIT_COMMIT',
]

const SHA = /^[0-9a-f]{40}([0-9a-f]{24})?$/

/** The commit that is tested: what CI says, else what HEAD of the repository around `folder` leads to. Starts nothing. */
export function commitOf(env: Env, folder?: string): string | undefined {
  const said = VARIABLES.map(name => env[name]).find(value => value && SHA.test(value))
  if (said) return said
  try {
    return headOf(repositoryOf(folder ?? process.cwd()))
  } catch {
    return undefined
  }
}

/** gitrepository-layout(5): `.git` is the repository, or in a worktree a file that says where it is. */
function repositoryOf(folder: string): string {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const git = join(at, '.git')
    const found = statSync(git, { throwIfNoEntry: false })
    if (found?.isDirectory()) return git
    if (found) return resolve(at, /^gitdir: (.+)$/m.exec(readFileSync(git, 'utf8'))?.[1] ?? '')
    if (at === dirname(at)) throw new Error('no repository')
  }
}

function headOf(repository: string): string | undefined {
  const read = (name: string): string | undefined => {
    try {
      return readFileSync(name, 'utf8').trim()
    } catch {
      return undefined
    }
  }
  const shared = resolve(repository, read(join(repository, 'commondir')) ?? '.')
  const head = read(join(repository, 'HEAD')) ?? ''
  const ref = /^ref: (refs\/.+)$/.exec(head)?.[1]
  const packed = () =>
    read(join(shared, 'packed-refs'))
      ?.split('\n')
      .find(line => line.endsWith(` ${ref}`))
      ?.split(' ')[0]
  const sha = ref ? (read(join(repository, ref)) ?? read(join(shared, ref)) ?? packed()) : head
  return sha && SHA.test(sha) ? sha : undefined
}
