import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { probe } from '../../../src/index.js'
import { type Reaper, startReaper } from '../../../src/io/reaper.js'
import { CAPABILITIES, type Capability, capabilitiesOf, lacking } from '../../../src/standin/capabilities.js'
import { adviceFor, knownRungs, rungsFor } from '../../../src/standin/rungs.js'
import type { StandIn } from '../../../src/standin/stand-in.js'
import { spawnHoldfast } from '../../support/cli.js'
import { type ScriptedEngine, startEngine } from '../../support/engine.js'
import { belongings, leftSince } from '../../support/leaks.js'
import { commandLine, descendants, processesIn, untilDead } from '../../support/proc.js'
import { tempFolder } from '../../support/root.js'
import { clickhouse } from './clickhouse.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { redis } from './redis.js'

const SUBJECTS = [postgres, redis, mysql, clickhouse]
/** A project that has chdb, which weighs too much (546 MB) to be one of ours; without it that rung is not tried. */
const CHDB_PROJECT = process.env.HOLDFAST_TEST_CHDB
const RUNGS = SUBJECTS.flatMap(subject => subject.rungs.map(rung => ({ subject, rung })))
const ROWS = RUNGS.filter(({ rung }) => rung !== 'chdb' || CHDB_PROJECT)

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const tmp = tempFolder('standins', { forServer: true })
const cache = tempFolder('cache')
let reaper: Reaper
let engine: ScriptedEngine

beforeAll(async () => {
  // No engine runs in CI: this one starts the servers that its images would hold.
  engine = await startEngine({
    images: ['postgres:15', 'redis:7', 'mariadb:10', 'clickhouse/clickhouse-server:18'],
  })
  // The reaper's shell gets what an engine needs from the environment of its start.
  Object.assign(process.env, engine.env)
  reaper = startReaper()
})

afterAll(async () => {
  await reaper.close()
  expect(engine.containers.map(one => one.name)).toEqual([])
  await engine.close()
  expect(readdirSync(tmp)).toEqual([])
  expect(processesIn(tmp)).toEqual([])
})

/** Names of the containers that were made from now on and are there. */
function containersSince(): () => string[] {
  const before = [...engine.containers]
  return () => engine.containers.filter(one => !before.includes(one)).map(one => one.name)
}

async function start(service: string, name: string, signal = new AbortController().signal): Promise<StandIn> {
  const env = { ...process.env, XDG_CACHE_HOME: cache, HOLDFAST_STANDIN: undefined }
  const rung = rungsFor(service, { signal, reaper, tmp, cwd: CHDB_PROJECT ?? repository, env }).find(
    one => one.name === name,
  )
  if (!rung) throw new Error(`no rung ${name}`)
  const standIn = await rung.start()
  onTestFinished(() => standIn.close())
  return standIn
}

test('every capability is tried, and every rung that one names exists', () => {
  expect(SUBJECTS.map(one => [one.service, Object.keys(one.capabilities)])).toEqual(
    Object.entries(CAPABILITIES).map(([service, all]) => [service, Object.keys(all)]),
  )
  const named = Object.values(CAPABILITIES).flatMap(all =>
    Object.values<Capability>(all).flatMap(one =>
      one.lackedBy.map(it => (typeof it === 'string' ? it : it.rung)),
    ),
  )
  expect(new Set(named)).toEqual(
    new Set(named.filter(name => SUBJECTS.some(({ service }) => knownRungs(service).includes(name)))),
  )
})

test.each(SUBJECTS)('the ladder of $service is what is tried here, and says what to install', subject => {
  const options = { signal: new AbortController().signal, reaper }
  expect(rungsFor(subject.service, options).map(one => one.name)).toEqual(subject.rungs)
  expect(knownRungs(subject.service).filter(name => !subject.rungs.includes(name))).toEqual(
    ['postgres', 'mysql'].includes(subject.service) ? ['sqlite'] : [],
  )
  expect(adviceFor(subject.service)).toMatch(/^Install one: /)
})

/** The first start of PGlite is slow where the machine is busy. */
const PATIENCE = { timeout: 120_000 }

describe.each(ROWS)('$rung of $subject.service', PATIENCE, ({ subject, rung }) => {
  const { service } = subject

  test('starts, names itself, and is ready by the probe at the address that it gives', async ctx => {
    const first = await start(service, rung)
    expect(first).toMatchObject({ service, name: rung })
    expect(first.serverless).toBeUndefined()
    expect(await probe(first.url)).toMatchObject({ ready: true })
    expect(first.version).toMatch(/^\d+\.\d/)
    expect(new URL(first.url).hostname).toBe('127.0.0.1')
    await first.close()
    const second = await start(service, rung)
    await ctx.annotate(`first ${first.startedMs.toFixed(0)} ms, then ${second.startedMs.toFixed(0)} ms`)
    console.info(`${rung}: first ${first.startedMs.toFixed(0)} ms, then ${second.startedMs.toFixed(0)} ms`)
  })

  test('two at once do not meet, and the next one is empty', async () => {
    const [one, other] = await Promise.all([start(service, rung), start(service, rung)])
    expect(new URL(one.url).port).not.toBe(new URL(other.url).port)
    await subject.keep(one.url, 'kept')
    expect([await subject.has(one.url, 'kept'), await subject.has(other.url, 'kept')]).toEqual([true, false])
    await one.close()
    expect(await subject.has((await start(service, rung)).url, 'kept')).toBe(false)
  })

  test('close leaves no process, port, file or handle, and may be called twice', async () => {
    const before = belongings({ temp: { folder: tmp } })
    const containers = containersSince()
    const standIn = await start(service, rung)
    expect(containers()).toHaveLength(rung === 'container' ? 1 : 0)
    await subject.keep(standIn.url, 'kept')
    await standIn.close()
    await standIn.close()
    expect(await leftSince(before, 3_000)).toEqual([])
    expect(await probe(standIn.url)).toMatchObject({ finding: { reason: 'connection-refused' } })
    expect(containers()).toEqual([])
  })

  test('an abort before or during the start leaves nothing', async () => {
    const before = belongings({ temp: { folder: tmp } })
    await expect(start(service, rung, AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
    const controller = new AbortController()
    const starting = start(service, rung, controller.signal)
    // It has begun, and no rung is there after one turn.
    setImmediate(() => controller.abort(new Error('enough')))
    await expect(starting).rejects.toThrow('enough')
    expect(await leftSince(before, 3_000)).toEqual([])
  })

  test('SIGKILL of holdfast ends COMMAND and server within three seconds', async () => {
    const source = rung.startsWith('system-') ? 'system' : rung
    const env = { HOLDFAST_STANDIN: source, XDG_CACHE_HOME: cache, ...engine.env }
    const containers = containersSince()
    const run = spawnHoldfast(['test', '--service', service, '--', 'sh', '-c', 'echo up; exec sleep 60'], {
      env,
      cwd: CHDB_PROJECT ?? repository,
      timeoutMs: 60_000,
    })
    await run.waitForStdout(/up/, 40_000)
    const all = descendants(run.pid)
    const own = all.some(pid => /postgres|redis|children|mariadbd|clickhouse/.test(commandLine(pid)))
    expect(own).toBe(rung !== 'container')
    expect(containers()).toHaveLength(rung === 'container' ? 1 : 0)
    run.kill('SIGKILL')
    await untilDead(all, 3_000)
    expect(containers()).toEqual([])
  })

  test.each(Object.entries(subject.ordinary))('%s', async (_, [run, expected]) => {
    expect(await run((await shared(service, rung)).url)).toEqual(expected)
  })

  describe('a capability', () => {
    test.each(capabilitiesOf(service))('%s is there or lacking as the list says', async capability => {
      const { url, version, like = rung } = await shared(service, rung)
      const works = await subject.capabilities[capability]?.(url).catch(() => false)
      expect(works).toBe(lacking(service, like, [capability], version).length === 0)
    })
  })
})

const running = new Map<string, Promise<StandIn>>()

afterAll(async () => {
  for (const one of running.values()) await (await one).close()
})

/** One for all the ordinary things, which do not meet. */
function shared(service: string, name: string): Promise<StandIn> {
  const key = `${service} ${name}`
  const started = running.get(key) ?? rungStart(service, name)
  running.set(key, started)
  return started
}

function rungStart(service: string, name: string): Promise<StandIn> {
  const env = { ...process.env, XDG_CACHE_HOME: cache, HOLDFAST_STANDIN: undefined }
  const options = { signal: new AbortController().signal, reaper, tmp, cwd: CHDB_PROJECT ?? repository, env }
  const rung = rungsFor(service, options).find(one => one.name === name)
  if (!rung) throw new Error(`no rung ${name}`)
  return rung.start()
}
