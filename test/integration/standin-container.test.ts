/** What can happen between holdfast and a container engine; the servers themselves are in test/conformance/standins. */
import { chmodSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { thisProcess } from '../../src/io/owner.js'
import { startReaper } from '../../src/io/reaper.js'
import { LABEL } from '../../src/standin/container/engine.js'
import { rungsFor } from '../../src/standin/rungs.js'
import type { StandInOptions } from '../../src/standin/stand-in.js'
import { type EngineOptions, startEngine } from '../support/engine.js'
import { descendants, untilDead } from '../support/proc.js'
import { tempFolder } from '../support/root.js'
import { script, start } from './standin-scripts.js'

const REDIS = 'redis:7'

async function world(options: EngineOptions) {
  const engine = await startEngine(options)
  onTestFinished(() => engine.close())
  const reaper = startReaper()
  onTestFinished(() => reaper.close())
  const told: string[] = []
  const begin = async (service: string, more: Partial<StandInOptions> = {}) => {
    const env = { PATH: process.env.PATH, ...engine.env, ...more.env }
    const signal = new AbortController().signal
    const onProgress = (text: string) => void told.push(text)
    const [rung] = rungsFor(service, { signal, reaper, onProgress, ...more, env }, ['container'])
    if (!rung) throw new Error('no rung container')
    const standIn = await rung.start()
    onTestFinished(() => standIn.close())
    return standIn
  }
  return { engine, begin, told }
}

/** A program in the place of an engine. */
function program(code: string): string {
  const file = join(tempFolder('engine'), 'docker')
  writeFileSync(file, `#!/bin/sh\n${code}\n`)
  chmodSync(file, 0o755)
  return file
}

test('what is asked of the engine: a port of its choice on 127.0.0.1, data in memory, no password', async () => {
  const { engine, begin } = await world({ images: [REDIS] })
  const standIn = await begin('redis')
  const [container] = engine.containers
  expect(container?.args.join(' ')).toMatch(/--publish 127\.0\.0\.1::6379 --tmpfs \/data /)
  expect(container?.args.join(' ')).not.toContain(new URL(standIn.url).password)
  expect(container?.env.HOLDFAST_PASSWORD).toBe(new URL(standIn.url).password)
  expect(standIn.label).toMatch(/^Redis 7\.\S+ \(docker, redis:7\)$/)
})

test('without an image of the service nothing is pulled, and what to pull is told', async () => {
  const { engine, begin } = await world({ images: ['postgres:17'] })
  await expect(begin('redis')).rejects.toThrow('there is no image of redis here: docker pull redis:7-alpine')
  expect(engine.calls.filter(call => /^(pull|run)/.test(call))).toEqual([])
})

test('a configured image that is missing is pulled, and both that and its time are told', async () => {
  const { engine, begin, told } = await world({})
  await begin('redis', { image: REDIS })
  expect(told).toEqual([
    'docker pulls redis:7, which is not here yet',
    expect.stringMatching(/^redis:7 is here, after \d/),
  ])
  await begin('redis', { image: REDIS })
  expect(engine.calls.filter(call => call.startsWith('pull'))).toHaveLength(1)
})

test('offline nothing is pulled', async () => {
  const { engine, begin } = await world({})
  const env = { HOLDFAST_OFFLINE: '1' }
  await expect(begin('redis', { image: REDIS, env })).rejects.toThrow(
    /redis:7 is not here, .*docker pull redis:7/,
  )
  expect(engine.calls.filter(call => call.startsWith('pull'))).toEqual([])
})

test('a pull that is refused is told with what the engine said', async () => {
  const { begin } = await world({})
  await expect(begin('redis', { image: 'nobody/redis:7' })).rejects.toThrow(
    'docker pull: Error: pull access denied',
  )
})

test('a container that ends is told with the end of its log, without its password, and removed', async () => {
  const { engine, begin } = await world({ images: ['broken:1'] })
  await expect(begin('postgres', { image: 'broken:1' })).rejects.toThrow(
    'broken:1 ended instead of starting. The end of its log:\nfirst line\ncannot start with ***',
  )
  expect(engine.containers).toEqual([])
})

test('a container that runs and never serves ends with the time that it has', async () => {
  const { engine, begin } = await world({ images: ['deaf:1'] })
  await expect(begin('postgres', { image: 'deaf:1', timeoutMs: 1_500 })).rejects.toThrow(
    'The container did not start within 1500 ms',
  )
  expect(engine.containers).toEqual([])
})

test('an engine that hangs does not hang the start', async () => {
  const { begin } = await world({ hangs: ['ps'] })
  await expect(begin('redis', { timeoutMs: 500 })).rejects.toThrow('did not start within 500 ms')
})

test('without an engine each place that was looked at is told', async () => {
  const { begin } = await world({})
  const file = program('echo "Cannot connect to the daemon" >&2; exit 1')
  await expect(begin('redis', { env: { HOLDFAST_CONTAINER: file } })).rejects.toThrow(
    'there is no container engine (docker ps: Cannot connect to the daemon)',
  )
  await expect(begin('redis', { env: { HOLDFAST_CONTAINER: '/no/such/podman' } })).rejects.toThrow(
    'HOLDFAST_CONTAINER=/no/such/podman: there is no such program',
  )
  await expect(begin('redis', { env: { HOLDFAST_CONTAINER: 'nosuchengine' } })).rejects.toThrow(
    'no nosuchengine in PATH',
  )
})

test('an engine on another machine will not do, since its ports are not here', async () => {
  const { begin } = await world({ images: [REDIS] })
  await expect(begin('redis', { env: { DOCKER_HOST: 'ssh://ci@build-7' } })).rejects.toThrow(
    'another machine',
  )
})

test('containers of dead processes are swept; those of others, of the living and of other machines stay', async () => {
  const { engine, begin } = await world({ images: [REDIS] })
  const living = { ...thisProcess(), host: hostname() }
  const dead = { ...living, startTime: '1' }
  const label = (owner: object) => ({ [LABEL]: JSON.stringify(owner) })
  await engine.add('of-the-dead', label(dead))
  await engine.add('of-the-living', label(living))
  await engine.add('of-another-machine', label({ ...dead, host: 'elsewhere' }))
  await engine.add('of-another-boot-there', label({ ...dead, boot: 'x', namespace: 'pid:[1]' }))
  await engine.add('without-sense', { [LABEL]: '{' })
  await engine.add('of-somebody-else', { 'com.docker.compose.project': 'shop' })
  await (await begin('redis')).close()
  expect(engine.containers.map(one => one.name)).toEqual([
    'of-the-living',
    'of-another-machine',
    'of-another-boot-there',
    'without-sense',
    'of-somebody-else',
  ])
})

test('the reaper removes a container when its process is killed, before its start was over, too', async () => {
  const engine = await startEngine()
  onTestFinished(() => engine.close())
  await engine.add('holdfast-redis-1', {})
  const file = await script(`
    import { startReaper } from './src/io/reaper.js'
    const reaper = startReaper()
    reaper.container(process.env.HOLDFAST_CONTAINER, 'holdfast-redis-1')
    console.log('{}')
    setInterval(() => {}, 1000)
  `)
  const running = start(file, { env: engine.env })
  await running.said
  const family = [running.pid, ...descendants(running.pid)]
  await running.kill()
  await untilDead(family, 3_000)
  expect(engine.containers).toEqual([])
})

test('the reaper takes only names of ours and programs by their whole path', () => {
  const reaper = startReaper()
  onTestFinished(() => reaper.close())
  for (const [file, name] of [
    ['docker', 'holdfast-a'],
    ['/usr/bin/docker', 'shop-db'],
    ['/usr/bin/docker', 'holdfast-a b'],
    ['/usr/bin/dock\ner', 'holdfast-a'],
  ] as const)
    expect(() => reaper.container(file, name)).toThrow(/give an absolute path/)
})
