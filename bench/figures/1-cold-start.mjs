import process from 'node:process'
import { duration, median, programs, sorted } from '../programs.mjs'
import { startPostgres } from '../support.mjs'

const ROUNDS = 40
const GOAL_MS = Number(process.versions.node.split('.')[0]) < 22 ? 20 : 15

/** From start to exit where the server is ready already. */
export async function measure(context) {
  const server = await startPostgres()
  try {
    const node = [process.execPath, '-e', '0']
    const { host, port } = server
    const commands = {
      'node -e 0': node,
      ...programs(context, { host, port, url: server.url() }, 10),
      'holdfast wait --once, refused': [
        process.execPath,
        context.cli,
        'wait',
        '--once',
        'tcp://127.0.0.1:1',
        '-q',
      ],
    }
    const times = Object.fromEntries(Object.keys(commands).map(name => [name, []]))
    for (let round = 0; round < ROUNDS; round++)
      for (const [name, command] of Object.entries(commands)) times[name].push(duration(command))
    const [base, least] = [median(times['node -e 0']), sorted(times['node -e 0'])[0]]
    const over = sorted(times['holdfast wait postgres://'])[0] - least
    return {
      title: 'Cold start: the server is ready already',
      conditions: `Milliseconds from start to exit, ${ROUNDS} rounds in turn. holdfast logs in (SCRAM) and asks SELECT 1; the others open a port.`,
      columns: ['median', 'least', 'over node, median', 'over node, least', '× node'],
      rows: Object.entries(times).map(([name, list]) => [
        name,
        median(list),
        sorted(list)[0],
        median(list) - base,
        sorted(list)[0] - least,
        median(list) / base,
      ]),
      goals: [
        {
          text: `login and query at most ${GOAL_MS} ms over bare Node (least of both: ${over.toFixed(1)})`,
          met: over <= GOAL_MS,
        },
      ],
    }
  } finally {
    await server.remove()
  }
}
