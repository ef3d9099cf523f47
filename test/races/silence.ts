/** Listeners that never answer: the deadline holds. */
import { startBlackhole } from '../support/blackhole.js'
import { holdfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { silent } from '../support/peers.js'
import { startupThenSilence } from '../support/pgpeers.js'
import { startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { appUrl, type Race, type Setting, type Trial } from './race.js'

const LISTENERS: Readonly<Record<string, (setting: Setting) => Promise<string>>> = {
  'accepts and is silent': async ({ defer, random }) => {
    const peer = await startPeer(silent)
    defer(() => peer.close())
    return peer.url(random.pick(['postgres', 'redis', 'http']))
  },
  'takes the start-up message and is silent': async ({ defer }) => {
    const peer = await startPeer(startupThenSilence)
    defer(() => peer.close())
    return peer.url('postgres')
  },
  'swallows the SYN': async ({ defer }) => {
    const hole = await startBlackhole()
    defer(() => hole.close())
    return appUrl(hole.port)
  },
  'a stopped PostgreSQL': async ({ defer }) => {
    const server = await startPostgres()
    defer(() => server.remove())
    server.pause()
    return server.url()
  },
  'a stopped Redis': async ({ defer }) => {
    const server = await startRedis()
    defer(() => server.remove())
    server.pause()
    return server.url()
  },
}

/** By how much a wait may outlive its time, in milliseconds; and what a start of a process adds on a busy machine. */
const OVERRUN_MS = 100
const START_MS = 500

export const silence: Race = {
  name: 'a listener that never answers',
  since: 'the deadline',
  async run(setting): Promise<Trial> {
    const { random } = setting
    const variant = random.pick(Object.keys(LISTENERS) as [string])
    const url = (await LISTENERS[variant]?.(setting)) ?? ''
    const timeoutMs = random.between(300, 1_200)
    const result = await holdfast(['wait', url, '--json', '--timeout', `${timeoutMs}ms`, '--', 'echo', 'ran'])
    const { durationMs, targets } = JSON.parse(result.stdout.split('\n')[0] ?? '') as {
      durationMs: number
      targets: { reason: string }[]
    }
    const overrun = durationMs - timeoutMs
    const wrong = [
      ...(result.status === 69 ? [] : [`status ${result.status}`]),
      ...(targets[0]?.reason === 'connect-timeout' ? [] : [`reason ${targets[0]?.reason}`]),
      ...(overrun <= OVERRUN_MS ? [] : [`the wait took ${overrun} ms too long`]),
      ...(result.ms - timeoutMs <= OVERRUN_MS + START_MS
        ? []
        : [`the process took ${Math.round(result.ms)} ms for a time-out of ${timeoutMs} ms`]),
      ...(result.stdout.includes('ran') ? ['COMMAND ran'] : []),
    ]
    return {
      status: result.status,
      releasedRight: wrong.length === 0,
      firstConnectionOk: null,
      releaseMs: overrun,
      story: `${variant}, ${timeoutMs} ms: ${wrong.join('; ')}\n${result.stdout}${result.stderr}`,
    }
  },
}
