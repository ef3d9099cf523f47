import { randomBytes } from 'node:crypto'
import { HoldfastError } from '../../core/errors.js'
import { formatMs } from '../../core/options.js'
import type { Ready } from '../../core/verdict.js'
import { waitFor } from '../../gate/library.js'
import { systemClock } from '../../io/clock.js'
import { CONTAINER_PREFIX } from '../../io/reaper.js'
import { type Frame, startInFrame } from '../owned/frame.js'
import { tail } from '../owned/program.js'
import type { StandIn, StandInOptions } from '../stand-in.js'
import { type Engine, findEngine } from './engine.js'
import { bestOf, IMAGES, type ImageKind } from './images.js'
import { ownerLabel, sweepContainers } from './owner.js'

/** A database server in a container makes its data directory first. */
const START_MS = 60_000

const PULL_MS = 600_000

const REMOVE_MS = 15_000

/** How often a container is asked whether it still runs, in milliseconds. */
const LOOK_MS = 500

/**
 * Starts a server in a container by the command line of docker or podman: published on 127.0.0.1 and a free port, with
 * a random password, its data in memory. Ready when our own probe is satisfied by TCP. 1 s to 10 s, by the image.
 *
 * @throws HoldfastError where there is no engine or no image, or the server does not start (with the end of its
 * log); the signal's reason.
 */
export async function startContainer(options: StandInOptions, service: string): Promise<StandIn> {
  const kind = IMAGES[service]
  if (!kind) throw new Error(`no image for ${service}`)
  const patient = { timeoutMs: START_MS + (options.image ? PULL_MS : 0), ...options }
  return startInFrame(patient, { product: 'The container', short: 'ctr' }, async frame => {
    refuseRemote(frame.env)
    const { engine, ours } = await findEngine(frame)
    const [image] = await Promise.all([imageFor(kind, engine, frame, options), sweepContainers(engine, ours)])
    const name = `${CONTAINER_PREFIX}${service}-${randomBytes(6).toString('hex')}`
    // Before it is there: killed in between, we would leave it behind.
    frame.reaper.container(engine.file, name)
    let removed: Promise<void> | undefined
    frame.owns({
      stop() {
        removed ??= remove(engine, name, frame)
        return removed
      },
    })
    const environment = kind.environment(frame.password)
    await engine.must(['run', ...argumentsFor(kind, name), image, ...(kind.command ?? [])], {
      env: environment,
      limitMs: START_MS,
    })
    const port = await publishedPort(engine, name, kind)
    const url = kind.url(frame.password, port)
    const { server } = await untilReady(url, { engine, name, image, frame })
    const { product } = server
    // PostgreSQL tells its build, too: 17.2 (Debian 17.2-1.pgdg120+1).
    const version = /^[\d.]*\d/.exec(server.version ?? '')?.[0] ?? 'unknown'
    return {
      ...{ service, name: 'container', version, url },
      ...(product === 'MariaDB' ? { like: 'system-mariadb' } : {}),
      label: `${product} ${version} (${engine.name}, ${image})`,
    }
  })
}

/** A published port is one of the engine's machine. */
function refuseRemote({ DOCKER_HOST: host = '', CONTAINER_HOST: other = '' }: Frame['env']): void {
  const remote = [host, other].find(
    one => /^(tcp|ssh|https?):/.test(one) && !/\/\/([^@/]*@)?(localhost|127\.|\[::1\])/.test(one),
  )
  if (remote) throw new HoldfastError('config', 'its engine (DOCKER_HOST) is on another machine')
}

async function imageFor(
  kind: ImageKind,
  engine: Engine,
  { env }: Frame,
  { image: given, version, onProgress }: StandInOptions,
): Promise<string> {
  if (given) {
    const image = engine.name === 'podman' ? fullName(given) : given
    if ((await engine.run(['image', 'inspect', given])).status === 0) return given
    if ((await engine.run(['image', 'inspect', image])).status === 0) return image
    if (/^(1|true|yes|on)$/i.test(env.HOLDFAST_OFFLINE ?? ''))
      throw new HoldfastError(
        'config',
        `the image ${image} is not here, and HOLDFAST_OFFLINE keeps it from being pulled; where there is a network: ${engine.name} pull ${image}`,
      )
    onProgress?.(`${engine.name} pulls ${image}, which is not here yet`)
    const began = performance.now()
    await engine.must(['pull', '--quiet', image], { limitMs: PULL_MS })
    onProgress?.(`${image} is here, after ${formatMs(performance.now() - began)}`)
    return image
  }
  const listed = await engine.must(['images', '--format', '{{.Repository}}:{{.Tag}}'])
  const best = bestOf(kind, listed.split('\n'), version)
  if (best) return best
  throw new HoldfastError(
    'config',
    `there is no image of ${kind.repositories[0]} here: ${engine.name} pull ${engine.name === 'podman' ? fullName(kind.usual) : kind.usual}`,
  )
}

const argumentsFor = (kind: ImageKind, name: string) => [
  ...['--detach', '--name', name, '--label', ownerLabel(), '--pull=never'],
  ...['--publish', `127.0.0.1::${kind.port}`, '--tmpfs', kind.data, '--shm-size', '256m'],
  // Nothing in it is to be saved: gone at once.
  ...['--stop-signal', 'SIGKILL'],
  // By name, so that no list of processes shows a value.
  ...Object.keys(kind.environment('')).flatMap(variable => ['--env', variable]),
]

async function publishedPort(engine: Engine, name: string, { port }: ImageKind): Promise<number> {
  // 127.0.0.1:49153
  const said = await engine.must(['port', name, `${port}/tcp`])
  const found = Number(/:(\d+)\s*$/m.exec(said)?.[1])
  if (!found) throw new HoldfastError('config', `${engine.name} port: ${tail(said, 2)}`)
  return found
}

interface Started {
  readonly engine: Engine
  readonly name: string
  readonly image: string
  readonly frame: Frame
}

/** Asks over TCP, which the temporary server of an image that is still initialising does not serve. */
async function untilReady(url: string, { engine, name, image, frame }: Started): Promise<Ready> {
  const over = new AbortController()
  const signal = AbortSignal.any([frame.signal, over.signal])
  const ending = untilEnded(engine, name, signal).then(said => {
    over.abort(new Error('the container ended'))
    return said
  })
  try {
    const [verdict] = await waitFor(url, { timeoutMs: START_MS, signal })
    if (verdict?.ready) return verdict
    throw new Error('waiting ends with ready, or is rejected')
  } catch (error) {
    frame.signal.throwIfAborted()
    if (over.signal.aborted) {
      const log = (await ending)?.replaceAll(frame.password, '***')
      throw new HoldfastError('config', `${image} ended instead of starting. The end of its log:\n${log}`)
    }
    if (!HoldfastError.is(error)) throw error
    const where = `127.0.0.1:${new URL(url).port}`
    throw new HoldfastError('config', `${image} runs, and is not ready at ${where}: ${error.message}`, {
      cause: error,
    })
  } finally {
    over.abort()
  }
}

/** Resolves with the end of its log once the container has ended; with nothing where `signal` aborts before. */
async function untilEnded(engine: Engine, name: string, signal: AbortSignal): Promise<string | undefined> {
  while (!signal.aborted) {
    await systemClock.sleep(LOOK_MS, signal).catch(() => {})
    const look = ['inspect', '--format', '{{.State.Running}}', name]
    const said = await engine.run(look, { signal }).catch(() => undefined)
    if (said && (said.status !== 0 || said.stdout.trim() === 'false')) {
      const logs = await engine.run(['logs', '--tail', '8', name]).catch(() => undefined)
      return tail(`${logs?.stdout ?? ''}${logs?.stderr ?? ''}`)
    }
  }
  return undefined
}

/** Never rejects; what cannot be removed now, the reaper tries again when this process ends. */
async function remove(engine: Engine, name: string, { reaper }: Frame): Promise<void> {
  const always = new AbortController().signal
  const options = { limitMs: REMOVE_MS, signal: always }
  const end = await engine.run(['rm', '--force', '--volumes', name], options).catch(() => undefined)
  if (end && (end.status === 0 || /no such container/i.test(end.stderr))) reaper.release(name)
}

/** As docker reads it: podman asks no registry for a name that has none. */
export function fullName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  if (rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')) return image
  return `docker.io/${rest.length > 0 ? '' : 'library/'}${image}`
}
