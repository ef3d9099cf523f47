/** Probes for tests. What a test opened here is closed after it, and then nothing may be left of it. */
import { afterEach, beforeEach, expect } from 'vitest'
import { parseTarget } from '../../src/core/target.js'
import type { NotReady, Ready, Verdict } from '../../src/core/verdict.js'
import type { ProbeOptions } from '../../src/gate/options.js'
import { type Probed, probeOnce } from '../../src/gate/probe.js'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import { type Belongings, belongings, leftSince } from '../support/leaks.js'
import { type Peer, type PeerOptions, type Script, startPeer } from '../support/peer.js'
import { APP_PASSWORD } from '../support/postgres-cluster.js'
import { tempFolder } from '../support/root.js'

/** The password of every address here. It holds what URLs trip over. */
export const SECRET = APP_PASSWORD

/** Every form of a secret that may not be in a verdict. */
const formsOf = (secret: string): string[] => [
  secret,
  encodeURIComponent(secret),
  JSON.stringify(secret).slice(1, -1),
  Buffer.from(secret).toString('base64'),
  Buffer.from(`app:${secret}`).toString('base64'),
]

/** A busy machine closes slowly; what is leaked stays for good. */
const PATIENCE_MS = 5000

const probed: Probed[] = []
const peers: Peer[] = []
const closers: (() => Promise<unknown>)[] = []

export async function probe(address: string, options: ProbeOptions = {}): Promise<Probed> {
  const target = parseTarget(address, { schemes: SCHEMES })
  const result = await probeOnce(target, await loadService(target.service), options)
  probed.push(result)
  return result
}

/** The verdict of a probe that has to fail. */
export async function refusal(address: string, options?: ProbeOptions): Promise<NotReady> {
  const { verdict } = await probe(address, options)
  if (verdict.ready) throw new Error(`${verdict.target} is ready: ${JSON.stringify(verdict)}`)
  return verdict
}

/** The verdict of a probe that has to succeed. */
export async function readiness(address: string, options?: ProbeOptions): Promise<Ready> {
  const { verdict } = await probe(address, options)
  if (!verdict.ready) throw new Error(`not ready: ${JSON.stringify(verdict)}`)
  return verdict
}

/** A scripted peer that is closed after the test. */
export async function startedPeer(script: Script, options?: PeerOptions): Promise<Peer> {
  const peer = await startPeer(script, options)
  peers.push(peer)
  return peer
}

/** Has something closed after the test, before it is seen what is left. */
export const closedAtEnd = (close: () => Promise<unknown>): void => void closers.push(close)

/** What every verdict is: plain data that survives JSON, and without a secret in any form. */
function isClean(verdict: Verdict, secrets: readonly string[]): void {
  const text = JSON.stringify(verdict)
  expect(JSON.parse(text)).toEqual(verdict)
  for (const form of secrets.flatMap(formsOf)) expect(text).not.toContain(form)
}

/** After every test of the file: sessions close, peers see it, verdicts are clean, and nothing is left. */
export function leavingNothing(secrets: readonly string[] = [SECRET]): void {
  let before: Belongings | undefined
  beforeEach(() => {
    // A probe makes no files; those of other programs come and go.
    before ??= belongings({ temp: { folder: tempFolder('unused') } })
  })
  afterEach(async () => {
    const done = probed.splice(0)
    const watched = peers.splice(0)
    try {
      for (const { session } of done) await session?.close()
      await expect
        .poll(() => watched.map(peer => peer.open), { interval: 2, timeout: PATIENCE_MS })
        .toEqual(watched.map(() => 0))
      expect(watched.flatMap(peer => peer.errors)).toEqual([])
      for (const { verdict } of done) isClean(verdict, secrets)
    } finally {
      await Promise.all([...watched.map(peer => peer.close()), ...closers.splice(0).map(close => close())])
    }
    if (before) expect(await leftSince(before, PATIENCE_MS)).toEqual([])
  })
}
