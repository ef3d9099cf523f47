/**
 * Where tests put what they make, and which ports and user their servers get. Everything lies below one
 * folder, so that one removal at the end takes it all.
 */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readProcess } from './proc.js'

/** Names the run's folder to every worker; set by the global set-up. */
export const ROOT_VARIABLE = 'HOLDFAST_TEST_ROOT'

export const ROOT_PREFIX = 'hf-run-'

/** Below a root: pid and start time of the process that made it and will remove it. */
export const OWNER_FILE = 'owner'

const MEMORY = '/dev/shm'

/** Every folder that a root can be in. */
export const rootFolders = () => (existsSync(MEMORY) ? [MEMORY, tmpdir()] : [tmpdir()])

/**
 * Makes a root that the unprivileged servers may enter and not list. It is in memory where there are 2 GB for
 * it and TMPDIR does not say otherwise: a cluster of a thousand files is copied there in a third of the time,
 * and on a busy disk in a tenth.
 */
export function makeRoot(): string {
  const root = mkdtempSync(join(hasRoom(MEMORY) && !process.env.TMPDIR ? MEMORY : tmpdir(), ROOT_PREFIX))
  writeFileSync(join(root, OWNER_FILE), `${process.pid}-${readProcess(process.pid)?.startTime}`)
  chmodSync(root, 0o711)
  return root
}

function hasRoom(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize >= 2 * 1024 ** 3
  } catch {
    return false
  }
}

/** The run's folder; a process outside a run gets one of its own, removed when it exits. */
export function testRoot(): string {
  const given = process.env[ROOT_VARIABLE]
  if (given) return given
  const root = makeRoot()
  process.env[ROOT_VARIABLE] = root
  process.once('exit', () => rmSync(root, { recursive: true, force: true }))
  return root
}

export interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

let user: User | null | undefined

/**
 * The user that servers run as: `postgres` where it exists, else `nobody`, when the tests run as root
 * (Postgres and PgBouncer refuse root); undefined otherwise, since then everything runs as ourselves.
 */
export function serverUser(): User | undefined {
  if (user === undefined) user = process.getuid?.() === 0 ? lookUpUser() : null
  return user ?? undefined
}

function lookUpUser(): User {
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map(line => line.split(':'))
  const row = rows.find(it => it[0] === 'postgres') ?? rows.find(it => it[0] === 'nobody')
  if (!row?.[0]) throw new Error('neither a user postgres nor a user nobody in /etc/passwd')
  return { name: row[0], uid: Number(row[2]), gid: Number(row[3]) }
}

/** Hands files over to the user that servers run as; nothing to do when that is ourselves. */
export function giveToServer(...paths: string[]): void {
  const owner = serverUser()
  if (owner) for (const path of paths) chownSync(path, owner.uid, owner.gid)
}

/** A new folder below the root, named `<prefix>-XXXXXX`. With `forServer` the servers' user owns it. */
export function tempFolder(prefix = 'tmp', options: { forServer?: boolean } = {}): string {
  const folder = mkdtempSync(join(testRoot(), `${prefix}-`))
  if (options.forServer) giveToServer(folder)
  return folder
}

/** Puts a finished folder in its place; where another process was first, its folder stays. */
export function publish(draft: string, folder: string): void {
  try {
    renameSync(draft, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(draft, { recursive: true, force: true })
  }
}

// Below the range that the kernel takes outgoing and `listen(0)` ports from (32768 and up by default), so
// that nobody is handed one of these by chance and a reserved port without a listener keeps refusing.
const FIRST_PORT = 10_000
const LAST_PORT = 32_000

let nextPort = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))

/**
 * A port that nothing listens on, on any address, and that no other test of this run gets: it is reserved
 * by a file below the root, so files running in parallel do not collide. Never given back.
 */
export async function freePort(): Promise<number> {
  const folder = join(testRoot(), 'ports')
  mkdirSync(folder, { recursive: true })
  for (let tries = 0; tries < 1_000; tries++) {
    const port = nextPort
    nextPort = nextPort >= LAST_PORT ? FIRST_PORT : nextPort + 1
    if (reserve(join(folder, String(port))) && (await isUnused(port))) return port
  }
  throw new Error('no free port found')
}

function reserve(path: string): boolean {
  try {
    writeFileSync(path, '', { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isUnused(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '::1']) if (!(await canListen(port, host))) return false
  return true
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    // A machine without IPv6 has nothing listening there either.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ port, host }, () => server.close(() => resolve(true)))
  })
}
