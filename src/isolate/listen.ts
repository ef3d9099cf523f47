import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server } from 'node:http'
import { listenLocal } from '../io/listen.js'
import type { Isolation } from './isolation.js'

export interface Listening {
  /** `http://127.0.0.1:PORT/TOKEN`: whoever has it gets the server's password, so it is a secret itself. */
  readonly baseUrl: string
  /** Ends every connection. */
  close(): void
}

type Ending = { destroy(): unknown }

/**
 * Serves an Isolation on a free port of 127.0.0.1, below a path that nobody guesses: other users of this machine
 * reach the port, too. Refuses browsers.
 */
export async function listen(isolation: Isolation, { patienceMs = PATIENCE_MS } = {}): Promise<Listening> {
  const token = randomBytes(16).toString('hex')
  let server: Promise<Server> | undefined
  const open = new Set<Ending>()
  const known = new WeakSet<object>()
  const refuse = (socket: Ending) => socket.destroy()
  const { port, close } = await listenLocal(
    socket => {
      open.add(socket)
      const timer = setTimeout(() => {
        if (!known.has(socket)) socket.destroy()
      }, patienceMs).unref()
      socket.once('close', () => {
        clearTimeout(timer)
        open.delete(socket)
      })
      server ??= serving(isolation, token, socket => known.add(socket))
      void server.then(one => one.emit('connection', socket))
    },
    { most: MOST, refuse },
  )
  return {
    baseUrl: `http://127.0.0.1:${port}/${token}`,
    close() {
      close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** More connections than this are refused. */
const MOST = 500

/** How long one may stay without the token, in milliseconds. */
const PATIENCE_MS = 10_000

/** node:http is loaded when somebody comes: most runs need none. */
async function serving(
  isolation: Isolation,
  token: string,
  onKnown: (socket: object) => void,
): Promise<Server> {
  const { createServer } = await import('node:http')
  return createServer(async (request, response) => {
    const refused = refusal(request)
    const path = request.url?.startsWith(`/${token}/`) ? request.url.slice(token.length + 1) : undefined
    if (!refused && path) onKnown(request.socket)
    if (!refused && path && (await isolation.handle(request, response, path))) return
    response.writeHead(refused ? 403 : 404, { 'Content-Type': 'application/json; charset=UTF-8' })
    response.end(JSON.stringify({ message: refused ?? 'Not Found' }))
  })
}

/** A page in a browser may send requests here: it says where it is from, or was led here by another name (DNS rebinding). */
function refusal({ headers }: IncomingMessage): string | undefined {
  if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined)
    return 'browsers are not served'
  return /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(headers.host ?? '')
    ? undefined
    : 'the Host header names another host'
}
