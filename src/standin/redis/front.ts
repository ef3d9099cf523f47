import type { Duplex } from 'node:stream'
import { ErrorReply, encodeReply, NULL_ARRAY, RespRequests } from '../../wire/resp-server.js'
import { ABORTED, QUIT, Session, type Shared } from './session.js'

/** What may wait for a client that does not read, in bytes; beyond it the connection is cut, as Redis does. */
const MOST_UNREAD = 32 << 20

/** Makes what serves one connection. Requests of all connections run one after another, in the order of their coming. */
export function redisFront(shared: Shared): (socket: Duplex) => void {
  let turn: Promise<unknown> = Promise.resolve()
  return socket => {
    const requests = new RespRequests()
    const write = (bytes: Uint8Array) => {
      if (socket.writableLength > MOST_UNREAD) socket.destroy()
      else if (socket.writable) socket.write(bytes)
    }
    const session = new Session(shared, answer => write(encodeReply(answer)))
    const serve = async (words: Buffer[]) => {
      if (socket.destroyed) return
      const outcome = await session.ask(words)
      if (outcome === QUIT) socket.end('+OK\r\n')
      else if (outcome === ABORTED) write(NULL_ARRAY)
      else if (outcome !== undefined) write(encodeReply(outcome))
    }
    socket.on('data', bytes => {
      // What comes meanwhile stays with the system, so that nobody fills our memory with requests.
      socket.pause()
      const { requests: waiting, broken } = requests.push(bytes)
      turn = turn.then(async () => {
        for (const words of waiting) await serve(words)
        if (broken) socket.end(encodeReply(new ErrorReply(`ERR ${broken}`)))
        socket.resume()
      })
    })
    socket.once('close', () => session.close())
  }
}
