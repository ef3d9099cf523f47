import { createServer, type Socket } from 'node:net'

/**
 * Listens on 127.0.0.1, on a port that the system chooses. A connection beyond `most` is handed to `refuse`, which
 * has to end it.
 */
export function listenLocal(
  serve: (socket: Socket) => void,
  { most, refuse }: { most: number; refuse: (socket: Socket) => void },
): Promise<{ port: number; close: () => void }> {
  let open = 0
  const server = createServer({ noDelay: true }, socket => {
    open++
    socket.once('close', () => open--)
    socket.on('error', () => socket.destroy())
    if (open > most) refuse(socket)
    else serve(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      resolve({ port, close: () => server.close() })
    })
  })
}
