/** `holdfast test` on this machine, with what stands in made of images by podman. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { mustPodman, podman, run } from '../podman.mjs'
import { BASE, until } from '../world.mjs'

const path = relative => fileURLToPath(new URL(`../../../${relative}`, import.meta.url))
const CLI = path('dist/cli.cjs')
const files = fileURLToPath(new URL('../files', import.meta.url))
const ROWS = [process.execPath, path('examples/rows/rows.mjs')]

/** Nothing but a container, from an engine that has nothing to do with docker. */
const env = { HOLDFAST_STANDIN: 'container', HOLDFAST_CONTAINER: 'podman', CI: '' }

const holdfast = args => run([process.execPath, CLI, 'test', ...args], { env })

/** Names as the engine has them of images that were pulled. */
const POSTGRES = 'docker.io/library/postgres:15'
const REDIS = 'docker.io/library/redis:7'

async function image(world, name, lines) {
  if ((await podman(['image', 'exists', name])).status === 0) return
  const context = world.folder({ Containerfile: [`FROM ${BASE}`, ...lines, ''].join('\n') })
  await mustPodman(['build', '--pull-never', '--tag', name, '--volume', `${files}:/files:ro`, context])
}

const postgres = world =>
  image(world, POSTGRES, [
    'RUN cp /files/postgres.sh /usr/local/bin/ && mkdir -p /docker-entrypoint-initdb.d',
    'ENTRYPOINT ["postgres.sh"]',
    'CMD ["postgres"]',
  ])

/** Names of containers that holdfast made. */
async function ours() {
  const said = await mustPodman([
    'ps',
    '--all',
    '--format',
    '{{.Names}}',
    '--filter',
    'label=io.holdfast.owner',
  ])
  return said.split('\n').filter(name => name !== '')
}

const gone = limitMs => until('the end of all containers', async () => (await ours()).length === 0, limitMs)

/** Starts it, and resolves once COMMAND runs. */
async function running() {
  const child = spawn(process.execPath, [CLI, 'test', '--', 'sh', '-c', 'echo up; exec sleep 300'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

/** The watchdog that a process started. */
async function reaperOf(pid) {
  const { stdout } = await run(['pgrep', '--parent', `${pid}`, '--full', 'holdfast-reaper'])
  return Number(stdout)
}

export const standins = [
  {
    name: 'an image stands in: rows are written to a PostgreSQL in a container, and nothing is left',
    async run(world) {
      await postgres(world)
      const { status, text } = await holdfast(['--', ...ROWS])
      assert.equal(status, 0, text)
      assert.match(text, /wrote and read 2 rows on PostgreSQL 15/)
      assert.match(text, /PostgreSQL 15\.\d+ \(podman, docker\.io\/library\/postgres:15\) stands in/)
      assert.deepEqual(await ours(), [])
      return /Started in .*/.exec(text)?.[0]
    },
  },
  {
    name: 'an image that stands in listens on 127.0.0.1 alone, keeps its data in memory and shows no password',
    async run(world) {
      await postgres(world)
      const child = await running()
      try {
        const [name] = await ours()
        const published = await mustPodman(['port', name])
        assert.match(published, /^5432\/tcp -> 127\.0\.0\.1:\d+$/)
        const mount = await world.exec(name, 'findmnt', '--noheadings', '--output', 'FSTYPE', '/holdfast')
        assert.equal(mount.stdout.trim(), 'tmpfs')
        const password = (await world.exec(name, 'printenv', 'POSTGRES_PASSWORD')).stdout.trim()
        assert.equal(password.length, 43)
        const { stdout } = await run(['ps', '-eww', '-o', 'args='])
        assert.match(stdout, new RegExp(name))
        assert.doesNotMatch(stdout, new RegExp(password))
        child.kill('SIGTERM')
        await once(child, 'close')
        assert.deepEqual(await ours(), [])
        return published
      } finally {
        child.kill('SIGKILL')
      }
    },
  },
  {
    name: 'SIGKILL of holdfast ends the container that stands in; killed with its watchdog, the next start does',
    async run(world) {
      await postgres(world)
      const first = await running()
      const began = performance.now()
      first.kill('SIGKILL')
      await gone(10_000)
      const afterMs = Math.round(performance.now() - began)
      const second = await running()
      process.kill(await reaperOf(second.pid), 'SIGKILL')
      second.kill('SIGKILL')
      await once(second, 'exit')
      const [left] = await ours()
      assert.ok(left)
      const { status, text } = await holdfast(['--', ...ROWS])
      assert.equal(status, 0, text)
      assert.deepEqual(await ours(), [])
      return `gone after ${afterMs} ms; ${left} was swept`
    },
  },
  {
    name: 'a Redis of an image stands in, and takes its password by its standard input',
    async run(world) {
      await image(world, REDIS, [])
      const check =
        'redis-cli --no-auth-warning -u "$REDIS_URL" ping; redis-cli -u "redis://$(echo "$REDIS_URL" | cut -d@ -f2)" ping'
      const { status, text } = await holdfast(['--service', 'redis', '--', 'sh', '-c', check])
      assert.equal(status, 0, text)
      assert.match(text, /PONG\n(.*\n)*.*NOAUTH/)
      return /Started in .*/.exec(text)?.[0]
    },
  },
  {
    name: 'without an image nothing is pulled, and nothing stands in; one that ends at once is told with the end of its log',
    async run() {
      await podman(['rmi', '--force', POSTGRES])
      const none = await holdfast(['--', 'true'])
      assert.equal(none.status, 0, none.text)
      assert.match(none.text, /there is no image of postgres here: podman pull postgres:17-alpine/)
      await mustPodman(['tag', BASE, POSTGRES])
      const ended = await holdfast(['--', 'true'])
      await podman(['rmi', '--force', POSTGRES])
      assert.match(ended.text, /ended instead of starting|podman run: /)
      assert.deepEqual(await ours(), [])
      return /container: (.{0,120})/.exec(ended.text)?.[1]
    },
  },
]
