import { openAsBlob } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { serveParent } from '../owned/parent.js'
import type { PGliteSaid, PGliteTask } from '../postgres/pglite.js'

/** What this needs of @electric-sql/pglite. */
interface Database {
  exec(sql: string): Promise<unknown>
  query(sql: string): Promise<{ rows: readonly Record<string, unknown>[] }>
  dumpDataDir(compression: 'none'): Promise<Blob>
  close(): Promise<void>
}
interface PGliteModule {
  readonly PGlite: {
    create(options: { loadDataDir?: Blob; username?: string; database?: string }): Promise<Database>
  }
}

/** What this needs of @electric-sql/pglite-socket. */
interface SocketModule {
  readonly PGLiteSocketServer: new (options: {
    db: Database
    host: string
    port: number
    maxConnections: number
  }) => { start(): Promise<void>; getServerConn(): string }
}

const SETUP = [
  'CREATE ROLE holdfast SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS LOGIN',
  'CREATE DATABASE holdfast OWNER holdfast',
]

serveParent<PGliteTask>(async ({ pglite, socket, archive, draft, maxConnections }): Promise<PGliteSaid> => {
  const require = createRequire(pglite)
  const { PGlite } = require(pglite) as PGliteModule
  const { PGLiteSocketServer } = require(socket) as SocketModule
  const loadDataDir = archive ? await openAsBlob(archive) : await made(PGlite, draft)
  const db = await PGlite.create({ loadDataDir, username: 'holdfast', database: 'holdfast' })
  const { rows } = await db.query('SHOW server_version')
  const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections })
  await server.start()
  const port = Number(/:(\d+)$/.exec(server.getServerConn())?.[1])
  return { port, version: String(rows[0]?.server_version).split(' ')[0] ?? '' }
})

/** A data directory with the role and the database. */
async function made(PGlite: PGliteModule['PGlite'], draft: string | undefined): Promise<Blob> {
  const db = await PGlite.create({})
  for (const statement of SETUP) await db.exec(statement)
  const data = await db.dumpDataDir('none')
  await db.close()
  if (draft) await writeFile(draft, Buffer.from(await data.arrayBuffer()))
  return data
}
