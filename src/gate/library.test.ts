import { afterEach, describe, expect, test } from 'vitest'
import { type Peer, startPeer } from '../../test/support/peer.js'
import { refused, silent } from '../../test/support/peers.js'
import { HoldfastError } from '../core/errors.js'
import { probe, waitFor } from './library.js'

const peers: Peer[] = []
afterEach(async () => {
  await Promise.all(peers.splice(0).map(peer => peer.close()))
})
const listening = async () => {
  const peer = await startPeer(silent)
  peers.push(peer)
  return `tcp://127.0.0.1:${peer.port}`
}
const dead = async () => `tcp://127.0.0.1:${(await refused()).port}`

describe('one probe', () => {
  test('resolves with its verdict, ready or not, and leaves nothing open', async () => {
    const address = await listening()
    expect(await probe(`app=${address}`)).toMatchObject({ ready: true, target: 'app' })
    expect(await probe(await dead())).toMatchObject({
      ready: false,
      finding: { reason: 'connection-refused' },
    })
    while ((peers[0]?.open ?? 0) > 0) await new Promise(resolve => setImmediate(resolve))
  })

  test.each([undefined, 42, {}])('of %j is wrong usage', async address => {
    await expect(probe(address as never)).rejects.toMatchObject({ kind: 'usage' })
  })

  test('of an address that is none is wrong usage', async () => {
    await expect(probe('nonsense')).rejects.toMatchObject({ kind: 'usage' })
  })
})

test.each([
  [{ until: 'deep' }, /until: "deep" is not one of/],
  [{ until: 'schema' }, /needs expect/],
  [{ timeuotMs: 5 }, /timeuotMs: unknown setting; did you mean timeoutMs\?/],
  [{ connections: 0 }, /connections: "0" is not a whole number from 1 to 1000/],
  [{ timeoutMs: Number.NaN }, /timeoutMs: NaN is not a number of milliseconds/],
])('a setting that no type holds back, %j, is wrong usage', async (settings, message) => {
  const wrong = settings as never
  await expect(probe('tcp://127.0.0.1:1', wrong)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(message),
  })
  await expect(waitFor('tcp://127.0.0.1:1', wrong)).rejects.toMatchObject({
    kind: 'usage',
    message: expect.stringMatching(message),
  })
})

describe('waiting', () => {
  test('for nothing is wrong usage', () =>
    expect(waitFor([])).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('no address'),
    }))

  test('resolves with the verdicts in the order of the addresses', async () => {
    const verdicts = await waitFor([`a=${await listening()}`, `b=${await listening()}`, 'c=exec:true'])
    expect(verdicts.map(one => [one.target, one.ready])).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
    ])
    expect(await waitFor(await listening())).toHaveLength(1)
  })

  test('throws the verdict that decided when the time is up', async () => {
    const waiting = waitFor([await listening(), `late=${await dead()}`], { timeoutMs: 50 })
    const error = await waiting.catch(thrown => thrown)
    expect(HoldfastError.is(error)).toBe(true)
    expect(error).toMatchObject({
      kind: 'verdict',
      exitStatus: 69,
      verdict: { target: 'late', finding: { reason: 'connection-refused' } },
    })
    expect(error.message).toMatch(/^late: connection-refused at tcp: .*Start the server/)
  })

  test('throws, too, when what should be gone is still there', async () => {
    const waiting = waitFor(await listening(), { gone: true, timeoutMs: 50 })
    await expect(waiting).rejects.toMatchObject({ verdict: { finding: { reason: 'unmet' } } })
  })

  test('throws the signal’s reason when it aborts', async () => {
    const reason = new Error('enough')
    await expect(waitFor(await dead(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('does not begin where one of the addresses is none', async () => {
    const address = await listening()
    await expect(waitFor([address, 'nonsense'])).rejects.toMatchObject({ kind: 'usage' })
    await expect(waitFor([`a=${address}`, `a=${address}`])).rejects.toThrow('the name "a" is given twice')
    expect(peers[0]?.connections).toBe(0)
  })
})
