import process from 'node:process'
import pg from 'pg'
import { run } from '../programs.mjs'
import { startPostgres } from '../support.mjs'

const WAIT_S = 10

const wait = (cli, url) => run([process.execPath, cli, 'wait', url, '-q', '--timeout', `${WAIT_S}s`])

/** A server that answers every connection with 57P03. */
async function whileStarting(cli) {
  const server = await startPostgres({ state: 'starting' })
  try {
    const before = server.connectionsSeen()
    await wait(cli, server.url())
    return server.connectionsSeen() - before
  } finally {
    await server.remove()
  }
}

/** A server whose every place is taken. */
async function whileFull(cli) {
  const server = await startPostgres({ maxConnections: 1 })
  const holder = new pg.Client({ connectionString: server.url() })
  holder.on('error', () => {})
  try {
    await holder.connect()
    const before = server.connectionsSeen()
    await wait(cli, server.url())
    return server.connectionsSeen() - before
  } finally {
    await holder.end().catch(() => {})
    await server.remove()
  }
}

/** How often a server that cannot serve is bothered. */
export async function measure({ cli }) {
  const [starting, full] = [await whileStarting(cli), await whileFull(cli)]
  return {
    title: `Courtesy: connections that a server has to answer in ${WAIT_S} s`,
    conditions: "Counted in the server's log.",
    columns: ['connections'],
    rows: [
      ['the server is starting (57P03)', starting],
      ['too many connections (53300)', full],
    ],
    goals: [
      { text: `at most 100 while it starts (${starting})`, met: starting <= 100 },
      { text: `at most 2 a second while it is full (${full})`, met: full <= 2 * WAIT_S },
    ],
  }
}
