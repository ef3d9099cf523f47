import { once } from 'node:events'
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { dirname } from 'node:path'
import { startTimeOf } from '../../io/owner.js'
import type { Reaper } from '../../io/reaper.js'
import { Isolation } from '../../isolate/isolation.js'
import { sweepLeftovers } from '../../standin/owned/sweep.js'
import { aimOf } from '../database.js'
import { forget } from '../memory.js'
import type { Being } from '../run.js'
import { clearRunDirectory, makeRunDirectory, socketIn, writeKeeper } from './directory.js'
import { Started } from './started.js'
import { failureOf, type StandInRequest } from './wire.js'

export interface KeeperOptions {
  /** The root of the run that it is kept for. */
  readonly root: Being
  readonly reaper: Reaper
  /** What `POST /close` does; without it that is refused. */
  readonly onClose?: () => Promise<void>
  /** Hears what people should know, a line each. */
  readonly say?: (text: string) => void
}

export interface Keeper {
  /** The path of its Unix socket, which only this user may open. */
  readonly socket: string
  /** Ends the stand-ins and removes the run's directory. */
  close(): Promise<void>
}

/**
 * Owns what the workers of one run share, and serves it by HTTP over a Unix socket in the run's directory:
 *
 *     POST /stand-ins StandInRequest → StandInAnswer      the same one for all that ask for it
 *     …    /servers…                                      databases for tests (isolate/isolation.ts)
 *     POST /close                                         the run has ended
 */
export async function serveKeeper({ root, reaper, onClose, say }: KeeperOptions): Promise<Keeper> {
  const directory = makeRunDirectory(root)
  // What keepers left that were killed, and with them their runs.
  void sweepLeftovers([dirname(directory)]).catch(() => {})
  const socket = socketIn(directory)
  // Where the run ends with this process, so does its directory, however that ends.
  if (root.pid === process.pid) reaper.own(directory)
  const ended = new AbortController()
  const started = new Started(reaper, ended.signal, () => forget(root))
  const isolation = new Isolation({ aim: aimOf, ...(say ? { say } : {}) })
  const server = createServer((request, response) => {
    answer(request, response).catch(error => tell(response, 500, failureOf(error)))
  })
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await isolation.handle(request, response)) return
    const what = `${request.method} ${request.url}`
    if (what === 'POST /stand-ins') return standIn(request, response)
    if (what === 'POST /close' && onClose) {
      await onClose()
      return tell(response, 200, {})
    }
    tell(response, 404, failureOf(new Error(`the keeper does not know ${what}`)))
  }
  async function standIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = JSON.parse(await bodyOf(request)) as StandInRequest
    await started.start(asked).then(
      found => tell(response, 200, found),
      error => tell(response, 409, failureOf(error)),
    )
  }
  rmSync(socket, { force: true })
  server.listen(socket)
  await once(server, 'listening')
  chmodSync(socket, 0o600)
  writeKeeper(directory, { pid: process.pid, started: startTimeOf(process.pid) ?? '', socket })
  return {
    socket,
    async close() {
      ended.abort(new Error('the run has ended'))
      server.close()
      try {
        await isolation.close()
      } finally {
        try {
          await started.close()
        } finally {
          forget(root)
          clearRunDirectory(directory)
          reaper.release(directory)
        }
      }
    },
  }
}

function tell(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent) return void response.end()
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
  response.end(JSON.stringify(body))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}
