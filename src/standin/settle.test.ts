import { expect, onTestFinished, test } from 'vitest'
import { refused } from '../../test/support/peers.js'
import { sharedRedis } from '../../test/support/shared.js'
import { parseTarget } from '../core/target.js'
import { startReaper } from '../io/reaper.js'
import { loadService, SCHEMES } from '../services/registry.js'
import { settle } from './settle.js'

/** A ladder whose rungs are said to have started there. */
async function settled(urls: Readonly<Record<string, string>>) {
  const closed: string[] = []
  const reaper = startReaper()
  onTestFinished(() => reaper.close())
  const { choice, outcome } = await settle({
    service: await loadService('redis'),
    parse: url => parseTarget(url, { schemes: SCHEMES, name: 'cache', source: 'stand-in' }),
    ci: false,
    rungs: Object.keys(urls),
    timeoutMs: 300,
    reaper,
    signal: new AbortController().signal,
    elsewhere: async name => ({
      ...{ service: 'redis', name, label: `The ${name}`, url: urls[name] ?? '', version: '7', startedMs: 1 },
      close: async () => void closed.push(name),
    }),
  })
  return { choice, outcome, closed }
}

test('a stand-in that does not answer is closed, and the next one has its turn', async () => {
  const { port } = await refused()
  const dead = `redis://127.0.0.1:${port}`
  const { choice, outcome, closed } = await settled({ 'system-redis': dead, container: sharedRedis().url() })
  expect(choice).toMatchObject({
    decision: 'stand-in',
    with: 'container',
    passedOver: [
      { with: 'system-redis', why: expect.stringMatching(/was not ready within 300 ms: connection-refused/) },
    ],
  })
  expect(outcome?.verdict.ready).toBe(true)
  expect(closed).toEqual(['system-redis'])
  expect((await settled({ 'system-redis': dead })).choice.decision).toBe('skip')
})
