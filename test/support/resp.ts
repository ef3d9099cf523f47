/** A client of Redis' wire for tests: sends words, reads replies, one after another. */
import { connect, type Socket } from 'node:net'
import { type Reply, RespError, type RespSource, readReply } from '../../src/wire/resp.js'

type Word = string | Uint8Array

export interface RespClient {
  /** The reply; an error of the server's as `RespError`. */
  ask(...words: readonly Word[]): Promise<Reply>
  /** What comes unasked, such as a message of a channel. */
  next(): Promise<Reply>
  close(): void
}

/** Connects, and logs in with the address' password. */
export async function respClient(address: string): Promise<RespClient> {
  const url = new URL(address)
  const socket = connect(Number(url.port), url.hostname)
  const source = sourceOf(socket)
  const next = () => readReply(source)
  const ask = (...words: readonly Word[]) => {
    socket.write(request(words))
    return next()
  }
  const client = { ask, next, close: () => void socket.destroy() }
  if (url.password) {
    const reply = await ask('AUTH', url.password)
    if (reply instanceof RespError) throw new Error(reply.message)
  }
  return client
}

export function request(words: readonly Word[]): Buffer {
  const parts = words.flatMap(word => {
    const bytes = Buffer.from(word)
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]
  })
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts])
}

function sourceOf(socket: Socket): RespSource {
  let held = Buffer.alloc(0)
  let ended: Error | undefined
  let wake = () => {}
  socket.on('data', bytes => {
    held = Buffer.concat([held, bytes])
    wake()
  })
  const end = (error?: Error) => {
    ended ??= error ?? new Error('the connection ended')
    wake()
  }
  socket.on('error', end).on('close', () => end())
  const take = async (size: () => number): Promise<Buffer> => {
    for (;;) {
      const n = size()
      if (n >= 0 && held.length >= n) {
        const bytes = held.subarray(0, n)
        held = held.subarray(n)
        return bytes
      }
      if (ended) throw ended
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
  }
  return {
    read: n => take(() => n),
    readLine: async () => {
      const bytes = await take(() => (held.indexOf('\r\n') < 0 ? -1 : held.indexOf('\r\n') + 2))
      return bytes.toString('utf8', 0, bytes.length - 2)
    },
  }
}
