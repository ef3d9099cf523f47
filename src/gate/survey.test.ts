import { afterEach, expect, test } from 'vitest'
import { type Blackhole, startBlackhole } from '../../test/support/blackhole.js'
import { type Peer, startPeer } from '../../test/support/peer.js'
import { silent } from '../../test/support/peers.js'
import { freePort } from '../../test/support/root.js'
import { parseTarget } from '../core/target.js'
import type { Ready } from '../core/verdict.js'
import type { Resolve } from '../io/resolve.js'
import { SCHEMES } from '../services/registry.js'
import { survey } from './survey.js'

const open: (Peer | Blackhole)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(one => one.close()))
})

const verdict: Ready = {
  target: 'db',
  ready: true,
  steps: [{ layer: 'tcp', address: '127.0.0.1', ms: 1, state: 'ok' }],
  heard: true,
  server: { product: 'x' },
}
const bothAddresses: Resolve = async () => [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]
const never: Resolve = () => Promise.reject(new Error('nobody should ask'))

const look = (text: string, resolve: Resolve, signal = new AbortController().signal) =>
  survey(parseTarget(text, { schemes: SCHEMES }), verdict, resolve, signal)

test('an address that the probe did not need and that refuses is named', async () => {
  const found = await look(`redis://db:${await freePort()}`, bothAddresses)
  expect(found.ready).toBe(true)
  expect(found.steps).toEqual([
    ...verdict.steps,
    { layer: 'tcp', address: '::1', ms: expect.any(Number), state: 'failed', code: 'ECONNREFUSED' },
  ])
})

test('an address that drops packets is named, and holds nobody up', async () => {
  const hole = await startBlackhole({ host: '::1' })
  open.push(hole)
  const begun = performance.now()
  const found = await look(`redis://db:${hole.port}`, bothAddresses)
  expect(found.steps.at(-1)).toMatchObject({ address: '::1', state: 'failed', code: 'ETIMEDOUT' })
  expect(performance.now() - begun).toBeLessThan(2000)
})

test('where all addresses answer, there is nothing to add', async () => {
  const peer = await startPeer(silent, { host: '::1' })
  open.push(peer)
  expect(await look(`redis://db:${peer.port}`, bothAddresses)).toBe(verdict)
})

test.each(['redis://127.0.0.1', 'redis://[::1]', 'redis+unix:///run/x', 'redis://a,b', 'exec:true'])(
  '%s has no other address to look at',
  async text => expect(await look(text, never)).toBe(verdict),
)

test('a resolver that fails now takes nothing away from the verdict', async () => {
  expect(await look('redis://db', never)).toBe(verdict)
})

test('the signal ends the look, and the verdict stays', async () => {
  expect((await look('redis://db:1', bothAddresses, AbortSignal.abort())).ready).toBe(true)
})
