/** What becomes of signals, statuses and replicas. */
import assert from 'node:assert/strict'
import { podman } from '../podman.mjs'
import { ADDRESSES } from '../world.mjs'

/** Name and state of each process in a container. */
async function processes(world, name) {
  const { stdout } = await world.exec(name, 'sh', '-c', 'cat /proc/[0-9]*/stat 2>/dev/null')
  return stdout
    .trim()
    .split('\n')
    .map(line => /^(\d+) \((.*)\) (\w)/.exec(line))
    .map(([, pid, comm, state]) => ({ pid: Number(pid), comm, state }))
}

export const signals = [
  {
    name: 'TERM to process 1 ends the server within its grace, with its status, and there was no zombie',
    async run(world) {
      await world.ready()
      await world.shop('server')
      await world.logged('server', /listening/)
      await podman(['healthcheck', 'run', 'server'])
      const all = await processes(world, 'server')
      assert.equal(all.find(({ pid }) => pid === 1)?.comm, 'node')
      assert.deepEqual(
        all.filter(({ state }) => state === 'Z'),
        [],
      )
      const { ms } = await podman(['stop', '--time', '10', 'server'])
      const { ExitCode: status } = await world.finished('server')
      assert.match(await world.logs('server'), /SIGTERM, closing\nshop: closed/)
      assert.equal(status, 0)
      assert.ok(ms < 9_000, `${ms} ms`)
      await world.remove('server')
      return `${(ms / 1000).toFixed(1)} s, status ${status}`
    },
  },
  {
    name: "the server's own status is the container's",
    async run(world) {
      await world.ready()
      const command = ['sh', '-c', 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done']
      await world.shop('seven', { command })
      await world.logged('seven', /^up/m)
      await podman(['stop', '--time', '10', 'seven'])
      const { ExitCode: status } = await world.finished('seven')
      assert.equal(status, 7)
      await world.remove('seven')
      return `status ${status}`
    },
  },
  {
    name: 'TERM while it still waits for its database ends the container',
    async run(world) {
      const env = { ...ADDRESSES, DATABASE_URL: 'postgres://shop:kelp-forest@nowhere:5432/shop' }
      await world.shop('early', { env })
      await world.logged('early', /dns-failure/)
      const { ms } = await podman(['stop', '--time', '10', 'early'])
      const { ExitCode: status } = await world.finished('early')
      assert.equal(status, 143)
      assert.ok(ms < 9_000, `${ms} ms`)
      await world.remove('early')
      return `${(ms / 1000).toFixed(1)} s, status ${status}`
    },
  },
]

export const replicas = [
  {
    name: 'ten replicas that start together migrate once, and ten servers are up',
    async run(world) {
      await world.ready()
      await world.sql('CREATE DATABASE replicas OWNER shop', 'postgres')
      const env = { ...ADDRESSES, DATABASE_URL: ADDRESSES.DATABASE_URL.replace(/shop$/, 'replicas') }
      const names = Array.from({ length: 10 }, (_, i) => `replica-${i}`)
      await Promise.all(names.map(name => world.shop(name, { env })))
      await Promise.all(names.map(name => world.logged(name, /listening/, 180_000)))
      const logs = await Promise.all(names.map(name => world.logs(name)))
      const applied = logs.flatMap(log => log.match(/applied \w+/g) ?? [])
      assert.deepEqual(applied, [
        'applied 001_users',
        'applied 002_orders',
        'applied 003_payments',
        'applied 004_notifications',
        'applied 005_coupons',
      ])
      await Promise.all(names.map(name => world.isReady(name)))
      await world.remove(...names)
      return `migrated by ${names.filter((_, i) => /applied/.test(logs[i])).join(', ')}`
    },
  },
]
