import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from '../owned/child.js'
import { makeOwned } from '../owned/directories.js'
import { type Frame, startInFrame } from '../owned/frame.js'
import { requirePackages } from '../owned/packages.js'
import type { StandIn, StandInOptions } from '../stand-in.js'

/** What children/pglite.ts is asked to do. */
export interface PGliteTask {
  /** The main files of @electric-sql/pglite and @electric-sql/pglite-socket. */
  readonly pglite: string
  readonly socket: string
  /** A data directory in a tar file; without it one is made, which takes seconds. */
  readonly archive?: string
  /** Where to put what was made. */
  readonly draft?: string
  readonly maxConnections: number
}

/** What it says once it listens. */
export interface PGliteSaid {
  readonly port: number
  /** Of PostgreSQL. */
  readonly version: string
}

const HEAP_MB = 512

/** Making its first data directory is work for one core, and takes a busy one much longer. */
const START_TIMEOUT_MS = 90_000

/**
 * Starts PGlite, PostgreSQL as WebAssembly, behind a socket in a process of its own: on 127.0.0.1, role and database
 * `holdfast`, whatever the password. All connections share one session. 0.8 s from the cache, 4 s the first time.
 */
export async function startPGlite(options: StandInOptions): Promise<StandIn> {
  const patient = { timeoutMs: START_TIMEOUT_MS, ...options }
  return startInFrame(patient, { product: 'PGlite', short: 'pgl' }, async frame => {
    const [pglite, socket] = requirePackages(frame.cwd, '@electric-sql/pglite', '@electric-sql/pglite-socket')
    if (!pglite || !socket) throw new Error('two packages were asked for')
    const archive = join(frame.cache, `pglite-${pglite.version}-1.tar`)
    const task = { pglite: pglite.main, socket: socket.main, maxConnections: 100 }
    const said = await cached(archive, frame, files =>
      startChild<PGliteSaid>(
        { name: 'pglite', product: 'PGlite', task: { ...task, ...files }, heapMb: HEAP_MB },
        frame,
      ),
    )
    return {
      ...{ service: 'postgres', name: 'pglite', version: said.version },
      label: `PGlite ${pglite.version} (PostgreSQL ${said.version}, one session)`,
      url: `postgres://holdfast:${frame.password}@127.0.0.1:${said.port}/holdfast`,
    }
  })
}

/** Starts from the archive; without one starts afresh, and keeps what was made. */
async function cached(
  archive: string,
  { cache, reaper, signal }: Frame,
  start: (files: Pick<PGliteTask, 'archive' | 'draft'>) => Promise<PGliteSaid>,
): Promise<PGliteSaid> {
  if (existsSync(archive)) {
    try {
      return await start({ archive })
    } catch {
      signal.throwIfAborted()
      // Damaged: made anew.
      await rm(archive, { force: true })
    }
  }
  let folder: string | undefined
  try {
    await mkdir(cache, { recursive: true })
    folder = makeOwned(cache, 'new', reaper)
    await writeFile(join(folder, 'data.tar'), '', { mode: 0o600 })
  } catch {
    // A cache that cannot be written is done without.
  }
  try {
    const draft = folder && join(folder, 'data.tar')
    const said = await start(draft ? { draft } : {})
    if (draft) await rename(draft, archive)
    return said
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true })
    if (folder) reaper.release(folder)
  }
}
