/** A TCP proxy before a Postgres without TLS, which cuts a connection at a message that a test chooses. */
import { connect, createServer, type Socket } from 'node:net'

export interface CutMessage {
  readonly from: 'client' | 'server'
  /** The message's type: Q, P, C, Z … */
  readonly type: string
  /** Its body as text, without the zeros at its end: a statement, a command's tag. */
  readonly text: string
}

export interface Cut {
  /** The first message for which this is true never arrives. */
  readonly at: (message: CutMessage) => boolean
  /**
   * `both`: client and server see their connection end. `client`: the server's stays open, as if it had noticed nothing,
   * until `close()` or `deliver()`.
   */
  readonly ends: 'both' | 'client'
}

export interface Cutter {
  readonly host: string
  readonly port: number
  /** Resolves once such a message has passed. */
  passes(at: (message: CutMessage) => boolean): Promise<void>
  /** Cuts once; resolves when it has. */
  cut(cut: Cut): Promise<void>
  /** Ends all connections, for the client alone. */
  drop(): void
  /** What was cut out of the last connection that ended for the client alone goes to the server after all. */
  deliver(): void
  /** Ends every connection that is made from now on. */
  refuse(): void
  close(): Promise<void>
}

export const isCommit = ({ from, type, text }: CutMessage): boolean =>
  from === 'client' && type === 'Q' && text === 'COMMIT'

export const isCommitted = ({ from, type, text }: CutMessage): boolean =>
  from === 'server' && type === 'C' && text === 'COMMIT'

export async function startCutter(target: { host: string; port: number }): Promise<Cutter> {
  const sockets = new Set<Socket>()
  const drops = new Set<() => void>()
  const waiting = new Set<{ at: Cut['at']; resolve: () => void }>()
  let refusing = false
  let armed: (Cut & { fired(): void }) | undefined
  let held: (() => void) | undefined

  const server = createServer(client => {
    if (refusing) return void client.destroy()
    const upstream = connect(target)
    let open = true
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay())
      socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    }
    const drop = () => {
      open = false
      client.destroy()
      drops.delete(drop)
    }
    drops.add(drop)
    const end = () => {
      drop()
      upstream.destroy()
    }
    const pass = (from: 'client' | 'server', to: Socket) => (frame: Buffer, typed: boolean) => {
      if (!open) return
      if (!typed) return void to.write(frame)
      const message = {
        from,
        type: frame.toString('latin1', 0, 1),
        text: frame.toString('utf8', 5).replace(/\0+$/, ''),
      }
      for (const one of waiting) if (one.at(message) && waiting.delete(one)) one.resolve()
      const cut = armed
      if (!cut?.at(message)) return void to.write(frame)
      armed = undefined
      if (cut.ends === 'both') end()
      else {
        held = () => upstream.write(frame)
        drop()
      }
      cut.fired()
    }
    client.on('data', framesOf(false, pass('client', upstream)))
    upstream.on('data', framesOf(true, pass('server', client)))
    client.once('close', () => open && end())
    upstream.once('close', () => open && end())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, resolve)
  })
  const address = server.address()
  return {
    host: '127.0.0.1',
    port: typeof address === 'object' && address ? address.port : 0,
    passes: at => new Promise(resolve => void waiting.add({ at, resolve })),
    drop: () => {
      for (const drop of drops) drop()
    },
    refuse: () => {
      refusing = true
    },
    cut: cut =>
      new Promise(resolve => {
        armed = { ...cut, fired: resolve }
      }),
    deliver: () => held?.(),
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Cuts a stream into messages; the client's first one has no type. */
function framesOf(typed: boolean, pass: (frame: Buffer, typed: boolean) => void): (chunk: Buffer) => void {
  let unread = Buffer.alloc(0)
  let begun = typed
  return chunk => {
    unread = Buffer.concat([unread, chunk])
    for (;;) {
      const head = begun ? 1 : 0
      if (unread.length < head + 4) return
      const length = head + unread.readInt32BE(head)
      if (unread.length < length) return
      pass(unread.subarray(0, length), begun)
      unread = unread.subarray(length)
      begun = true
    }
  }
}
