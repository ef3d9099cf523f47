/** Runs `holdfast doctor` in scenes of its own: a private network, a container's marks, a server in there. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type CliOptions, holdfast, holdfastCommand } from '../support/cli.js'
import { type NetnsOptions, runInNetns } from '../support/netns.js'
import type { PostgresServer } from '../support/postgres.js'
import { postgresProgram } from '../support/postgres-cluster.js'
import { serverUser, tempFolder } from '../support/root.js'
import type { Document, TargetDocument } from './outcome.js'

export interface Checked extends TargetDocument {
  readonly examinations: readonly { examination: string; state: string; ms: number; message: string }[]
  readonly facts: Readonly<Record<string, string | number | boolean>>
  readonly concerns: readonly { id: string; level: string; message: string; fix?: string }[]
  readonly fix?: string
}

export interface Said {
  readonly status: number | null
  readonly stderr: string
  readonly ms: number
  /** The one-line verdict. */
  readonly last: string
}

const said = ({ status, stderr, ms }: Omit<Said, 'last'>): Said => ({
  status,
  stderr,
  ms,
  last: stderr.trimEnd().split('\n').at(-1) ?? '',
})

export const doctor = async (args: readonly string[], options: CliOptions = {}): Promise<Said> =>
  said(await holdfast(['doctor', ...args], options))

/** `doctor --json`: its document, and the first of its targets. */
export async function doctorJson(args: readonly string[], options?: CliOptions) {
  const result = await holdfast(['doctor', '--json', ...args], options)
  expect(result.stdout, result.stderr).toMatch(/^\{.*\}\n$/)
  const document = result.json<Document & { readonly targets: readonly Checked[] }>()
  expect(document.exitStatus).toBe(result.status)
  const [target] = document.targets
  if (!target) throw new Error('the document has no target')
  return { ...result, document, target }
}

/** An empty folder with these files. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = tempFolder('doctor')
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** In a private network, as in a container: with its mark, and with nothing of this machine's below /run. */
export async function doctorInContainer(
  args: readonly string[],
  { hosts, setup = [], ...options }: CliOptions & Pick<NetnsOptions, 'hosts' | 'setup'> = {},
): Promise<Said> {
  const { command, env, cwd } = holdfastCommand(['doctor', ...args], options)
  const marks = ['mount -t tmpfs none /run', 'touch /run/.containerenv']
  return said(
    await runInNetns(command, { env, cwd, setup: [...marks, ...setup], ...(hosts ? { hosts } : {}) }),
  )
}

/** The same with a stopped server started anew in there, by its own configuration. */
export async function doctorBeside(
  server: PostgresServer,
  args: readonly string[],
  options: CliOptions & Pick<NetnsOptions, 'hosts'> = {},
): Promise<Said> {
  const { command, env, cwd } = holdfastCommand(['doctor', ...args], options)
  const user = serverUser()
  const drop = user ? `--reuid=${user.uid} --regid=${user.gid} --clear-groups` : ''
  const run = `
    cd ${server.dataDir}
    setpriv ${drop} --pdeathsig KILL -- ${postgresProgram('postgres')} -D ${server.dataDir} >/dev/null 2>&1 &
    until ${postgresProgram('pg_isready')} -q -h ${server.socketDir} -p ${server.port}; do sleep 0.05; done
    cd ${cwd}
    "$@"
    status=$?
    kill -INT $(head -1 ${server.dataDir}/postmaster.pid)
    wait
    exit $status`
  const { hosts } = options
  return said(
    await runInNetns(['sh', '-c', run, 'scene', ...command], { env, cwd, ...(hosts ? { hosts } : {}) }),
  )
}
