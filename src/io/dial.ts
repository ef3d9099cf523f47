import { connect, type Socket } from 'node:net'
import { mostTelling } from '../core/classify.js'
import type { Step } from '../core/verdict.js'
import { clearTimeout, setTimeout } from './clock.js'

/** Where one connection may go: an address with its port, or the path of a Unix socket. */
export type Endpoint = { readonly address: string; readonly port: number } | { readonly path: string }

export const nameOf = (endpoint: Endpoint): string => ('path' in endpoint ? endpoint.path : endpoint.address)

/** How long one address is tried alone before the next one is tried beside it (RFC 8305, section 5). */
export const STAGGER_MS = 250

export interface Dialed {
  readonly socket: Socket
  readonly endpoint: Endpoint
}

/** How often those that refused are asked again while another address keeps silent, in milliseconds. */
const AGAIN_MS = 25

/**
 * Connects to the first of the endpoints that answers, in their order, each STAGGER_MS after the one before
 * or at once when that failed. An address that keeps silent holds nobody up: until it has answered or failed, those
 * that refused are asked again. `onStep` hears of every address: begun, failed, connected.
 * @throws the most telling of the errors when all fail, or the signal's reason.
 */
export function dial(
  endpoints: readonly Endpoint[],
  signal: AbortSignal,
  onStep: (endpoint: Endpoint) => (outcome: Pick<Step, 'state' | 'code'>) => void = () => () => {},
): Promise<Dialed> {
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>()
    const failed: Endpoint[] = []
    const errors: unknown[] = []
    let next = 0
    let timer: NodeJS.Timeout | undefined

    const finish = (act: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      for (const socket of open) socket.destroy()
      act()
    }
    const abort = () => finish(() => reject(signal.reason))
    const start = () => {
      clearTimeout(timer)
      const endpoint = endpoints[next++]
      if (!endpoint) return
      const done = onStep(endpoint)
      knock(endpoint, done, error => {
        errors.push(error)
        done({ state: 'failed', ...(error.code ? { code: error.code } : {}) })
      })
      if (next < endpoints.length) timer = setTimeout(start, STAGGER_MS)
      else if (failed.length > 0) timer = setTimeout(again, AGAIN_MS)
    }
    const again = () => {
      for (const endpoint of failed.splice(0)) knock(endpoint, outcome => onStep(endpoint)(outcome))
    }
    const knock = (
      endpoint: Endpoint,
      done: (outcome: { state: 'ok' }) => void,
      onError: (error: NodeJS.ErrnoException) => void = () => {},
    ) => {
      const socket = connect(
        'path' in endpoint ? { path: endpoint.path } : { host: endpoint.address, port: endpoint.port },
      )
      open.add(socket)
      const fail = (error: NodeJS.ErrnoException) => {
        open.delete(socket)
        failed.push(endpoint)
        onError(error)
        if (next < endpoints.length) return start()
        if (open.size === 0) return finish(() => reject(mostTelling(errors)))
        clearTimeout(timer)
        timer = setTimeout(again, AGAIN_MS)
      }
      socket.once('error', fail)
      socket.once('connect', () => {
        socket.removeAllListeners('error')
        if (isItself(socket)) {
          // A reset leaves the port free for the server that is to come.
          socket.resetAndDestroy()
          return fail(nobodyThere(endpoint))
        }
        open.delete(socket)
        socket.setNoDelay(true)
        done({ state: 'ok' })
        finish(() => resolve({ socket, endpoint }))
      })
    }
    if (signal.aborted) return abort()
    if (endpoints.length === 0) return reject(new Error('there is no address to connect to'))
    signal.addEventListener('abort', abort, { once: true })
    start()
  })
}

/**
 * Where nothing listens on a port of this machine's ephemeral range, a connection may get that port as its own, and
 * TCP connects it to itself (simultaneous open, RFC 9293, 3.5).
 */
const isItself = ({ localAddress, localPort, remoteAddress, remotePort }: Socket): boolean =>
  localPort !== undefined && localPort === remotePort && localAddress === remoteAddress

const nobodyThere = (endpoint: Endpoint): Error =>
  Object.assign(new Error(`connect ECONNREFUSED ${nameOf(endpoint)}`), {
    code: 'ECONNREFUSED',
    syscall: 'connect',
  })
