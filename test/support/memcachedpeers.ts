/** Scripts of peers that speak memcached's text protocol. */
import type { Script } from './peer.js'

/** Answers each line by its command and the rest; a line of data counts as one, too. */
export const memcached =
  (answer: (command: string, rest: string) => string): Script =>
  async connection => {
    for (;;) {
      const line = (await connection.readUntil('\r\n')).toString().trimEnd()
      const [, command = '', rest = ''] = /^(\S*) ?(.*)$/.exec(line) ?? []
      const told = answer(command, rest)
      if (told) await connection.send(`${told}\r\n`)
    }
  }

/** Wants a login, and says no to each. */
export const memcachedRejects = memcached(command =>
  command === 'set' ? '' : 'CLIENT_ERROR unauthenticated',
)
