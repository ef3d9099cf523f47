/** A database that stops, and a network that is taken away, under a wait that goes on. */
import assert from 'node:assert/strict'
import { mustPodman } from '../podman.mjs'

/** What one attempt says. */
async function reason(world) {
  const args = ['wait', '--once', '--attempt-timeout', '1s', '--json', 'env:DATABASE_URL']
  const { stdout, text } = await world.holdfast(args)
  const [target] = JSON.parse(stdout || '{"targets":[]}').targets
  assert.ok(target, text)
  return target.reason
}

/** A container that waits, and `heal` once it has told `cause`. */
async function healsWhileWaiting(world, cause, heal) {
  const args = [
    'holdfast',
    'wait',
    '--timeout',
    '60s',
    '--attempt-timeout',
    '2s',
    'env:DATABASE_URL',
    '--',
    'echo',
    'released',
  ]
  await world.remove('waiting')
  await world.shop('waiting', { options: ['--entrypoint', ''], command: args })
  await world.logged('waiting', cause)
  await heal()
  await world.logged('waiting', /\nreleased|^released/m, 60_000)
  assert.equal((await world.finished('waiting')).ExitCode, 0)
}

export const outages = [
  {
    name: 'a stopped database: the time-out is named, and the wait ends when it goes on',
    async run(world) {
      await world.ready()
      await mustPodman(['kill', '--signal', 'STOP', 'db'])
      try {
        const told = await reason(world)
        assert.match(told, /timeout/)
        await healsWhileWaiting(world, /timeout/, () => mustPodman(['kill', '--signal', 'CONT', 'db']))
        return told
      } finally {
        await mustPodman(['kill', '--signal', 'CONT', 'db'])
      }
    },
  },
  {
    name: 'a network taken away and given back',
    async run(world) {
      await world.ready()
      await mustPodman(['network', 'disconnect', world.network, 'db'])
      let told
      try {
        told = await reason(world)
        assert.match(told, /name-not-found|dns|unreachable|timeout/)
      } catch (error) {
        await mustPodman(['network', 'connect', world.network, 'db'])
        throw error
      }
      await healsWhileWaiting(world, new RegExp(told), () =>
        mustPodman(['network', 'connect', world.network, 'db']),
      )
      return told
    },
  },
]
