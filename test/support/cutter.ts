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
  /** Texts of the simple queries that came from clients, in their order. */
  readonly statements: readonly string[]
  /** Cuts once; resolves when it has. */
  cut(cut: Cut): Promise<void>
  /** What was cut out of the last connection that ended for the client alone goes to the server after all. */
  deliver(): void
  close(): Promise<void>
}

export const isCommit = ({ from, type, text }: CutMessage): boolean =>
  from === 'client' && type === 'Q' && text === 'COMMIT'

export const isCommitted = ({ from, type, text }: CutMessage): boolean =>
  from === 'server' && type === 'C' && text === 'COMMIT'

export async function startCutter(target: { host: string; port: number }): Promise<Cutter> {
  const sockets = new Set<Socket>()
  const statements: string[] = []
  let armed: (Cut & { fired(): void }) | undefined
  let held: (() => void) | undefined

  const server = createServer(client => {
    const upstream = connect(target)
    let open = true
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay())
      socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    }
    const end = () => {
      open = false
      client.destroy()
      upstream.destroy()
    }
    const pass = (from: 'client' | 'server', to: Socket) => (frame: Buffer, typed: boolean) => {
      if (!open) return
      const type = typed ? frame.toString('latin1', 0, 1) : ''
      const text = typed ? frame.toString('utf8', 5).replace(/\0+$/, '') : ''
      if (from === 'client' && type === 'Q') statements.push(text)
      const cut = typed && armed?.at({ from, type, text }) ? armed : undefined
      if (!cut) return void to.write(frame)
      armed = undefined
      if (cut.ends === 'both') end()
      else {
        open = false
        held = () => upstream.write(frame)
        client.destroy()
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
    statements,
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
