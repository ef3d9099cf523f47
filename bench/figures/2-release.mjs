import { setTimeout as delay } from 'node:timers/promises'
import { median, programs, quantile, run } from '../programs.mjs'
import { appUrl, freePort, postgresReadyAt, startPostgres } from '../support.mjs'

const ROUNDS = 20

/** The program's exit minus the moment at which the server said in its log that it is ready. */
async function trial(context, name, waitedMs) {
  const port = await freePort()
  const command = programs(context, { host: '127.0.0.1', port, url: appUrl(port) }, 30)[name]
  const exit = run(command)
  await delay(waitedMs)
  const server = await startPostgres({ port })
  try {
    const { status, at } = await exit
    if (status !== 0) throw new Error(`${name} ended with ${status}`)
    return at - postgresReadyAt(server.log())
  } finally {
    await server.remove()
  }
}

export async function measure(context) {
  const names = Object.keys(programs(context, { host: '', port: 0, url: '' }, 1))
  const late = Object.fromEntries(names.map(name => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    const waitedMs = 500 + Math.random() * 2500
    for (const name of names) late[name].push(await trial(context, name, waitedMs))
  }
  const ours = late['holdfast wait postgres://']
  const base = median(ours)
  return {
    title: 'Release: how late after the server is ready',
    conditions: `Milliseconds between "ready to accept connections" in the server's log and the program's exit; the server starts 0.5 to 3 s after the program, ${ROUNDS} rounds in turn. Below zero: let go before the server served.`,
    columns: ['median', 'p90', 'least', 'most', '× holdfast'],
    rows: names.map(name => [
      name,
      median(late[name]),
      quantile(late[name], 0.9),
      quantile(late[name], 0),
      quantile(late[name], 1),
      name.startsWith('holdfast') ? undefined : median(late[name]) / base,
    ]),
    goals: [
      { text: `median at most 20 ms (${base.toFixed(0)})`, met: base <= 20 },
      { text: `p95 at most 60 ms (${quantile(ours, 0.95).toFixed(0)})`, met: quantile(ours, 0.95) <= 60 },
      { text: `never above 120 ms (${quantile(ours, 1).toFixed(0)})`, met: quantile(ours, 1) <= 120 },
      { text: 'never before the server serves', met: quantile(ours, 0) >= -1 },
    ],
  }
}
