/** How a probe of ClickHouse ends what it began, against servers that serve one statement for ever. */
import { expect, test } from 'vitest'
import { parseTarget } from '../../src/core/target.js'
import { NetAttempt, Trace } from '../../src/gate/attempt.js'
import { clickhouse } from '../../src/services/clickhouse/index.js'
import { SCHEMES } from '../../src/services/registry.js'
import { leavingNothing, SECRET, startedPeer } from '../conformance/probing.js'
import { chatter } from '../support/clickpeers.js'

leavingNothing()

/** A session whose attempt ends while the server works on its query, and the statements that came. */
async function cutOff(toKill: 'hang' | undefined) {
  const asked: string[] = []
  const abort = new AbortController()
  const peer = await startedPeer(
    chatter(statement => {
      asked.push(statement)
      if (statement === 'SELECT for_ever') abort.abort(new Error('no longer'))
      return statement === 'SELECT for_ever' ? 'hang' : statement.startsWith('KILL') ? toKill : undefined
    }),
  )
  const { host, port } = peer
  const target = parseTarget(`clickhouse://app:${encodeURIComponent(SECRET)}@${host}:${port}/app`, {
    schemes: SCHEMES,
  })
  const trace = new Trace(() => performance.now())
  const attempt = new NetAttempt(target, host, [{ address: host, port }], trace, abort.signal)
  const session = await clickhouse.open(target, attempt)
  await expect(session.query?.('SELECT for_ever')).rejects.toThrow('no longer')
  return { asked, peer, session }
}

test('whoever awaits the end of a session has its statement ended at the server', async () => {
  const { asked, session } = await cutOff(undefined)
  await session.close()
  expect(asked.at(-1)).toMatch(/^KILL QUERY WHERE query_id = 'holdfast-/)
})

test('a statement is ended once, and a server that does not answer that is waited for a second at most', async () => {
  const { asked, peer, session } = await cutOff('hang')
  const begun = performance.now()
  await session.close()
  expect(performance.now() - begun).toBeLessThan(2000)
  await expect.poll(() => peer.open).toBe(0)
  await session.close()
  expect(asked.filter(statement => statement.startsWith('KILL'))).toHaveLength(1)
})
