/** Scripts of peers that speak NATS. */
import type { PeerConnection, Script } from './peer.js'

export const natsInfo = (more: object = {}): string =>
  `INFO ${JSON.stringify({ server_id: 'NPEER', version: '2.10.0', proto: 1, ...more })} \r\n`

/** Greets, and answers each line by its operation; PING with PONG where the answer is silent about it. */
export const nats =
  (answer: (operation: string, rest: string) => string | undefined, info: object | undefined = {}): Script =>
  async connection => {
    if (info) await connection.send(natsInfo(info))
    await natsLines(connection, answer)
  }

export async function natsLines(
  connection: PeerConnection,
  answer: (operation: string, rest: string) => string | undefined,
): Promise<void> {
  for (;;) {
    const line = (await connection.readUntil('\r\n')).toString().trimEnd()
    const [, operation = '', rest = ''] = /^(\S*) ?(.*)$/.exec(line) ?? []
    const told = answer(operation, rest) ?? (operation === 'PING' ? 'PONG\r\n' : '')
    if (told) await connection.send(told)
  }
}

/** Greets with an error behind the greeting, and closes. */
export const natsRefuses =
  (text: string): Script =>
  connection =>
    connection.send(`${natsInfo()}-ERR '${text}'\r\n`)
