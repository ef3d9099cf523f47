/** PgBouncer keeps its clients through a restart of the server behind it. */
import { startPgBouncer } from '../support/pgbouncer.js'
import { startPostgres } from '../support/postgres.js'
import { askPostgres, failureWithin, gate, postgresReadyAt, type Race, released } from './race.js'

export const pooledRestart: Race = {
  name: 'PgBouncer before a restart, --stable',
  since: "the server's log plus --stable",
  async run(setting) {
    const { random, defer, thorough } = setting
    const stableMs = thorough ? 2_000 : 1_000
    const server = await startPostgres()
    defer(() => server.remove())
    const pooler = await startPgBouncer({
      backend: server,
      mode: random.pick(['session', 'transaction']),
    })
    defer(() => pooler.remove())
    const url = pooler.url()
    const release = gate(setting, [url, '--stable', `${stableMs}ms`], () => askPostgres(url))
    await random.pause(150, 700)
    await server.stop('fast')
    // Longer than the gate's look-out for a target whose age it cannot trust: a shorter gap may pass unseen.
    await random.pause(300, 600)
    await server.start()
    const readyAt = postgresReadyAt(server.log())
    const end = await release
    const later = await failureWithin(thorough ? 4_000 : 1_000, () => askPostgres(url))
    return released(end, readyAt + stableMs, later)
  },
}
