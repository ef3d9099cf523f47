/**
 * A container engine for tests: a program with docker's command line, and behind it, in this process, real servers. Like
 * docker's own proxy a published port accepts at once, and closes until the server inside is ready.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { startClickHouse } from './clickhouse.js'
import { startMariadb } from './mariadb.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import { freePort, tempFolder } from './root.js'

interface Inside {
  readonly port: number
  remove(): Promise<void>
}

type Variables = Readonly<Record<string, string>>

/** What a container of an image runs, as the entrypoints of the official images do; `command` is what follows the image. */
const INSIDE: Readonly<Record<string, (env: Variables, command: readonly string[]) => Promise<Inside>>> = {
  async postgres({ POSTGRES_USER: user, POSTGRES_DB: database, POSTGRES_PASSWORD: password }, command) {
    const pairs = command.flatMap((word, i) => (command[i - 1] === '-c' ? [word.split('=')] : []))
    const server = await startPostgres({ settings: Object.fromEntries(pairs) })
    await server.sql(`CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD '${password}'`)
    await server.sql(`CREATE DATABASE ${database} OWNER ${user}`)
    return server
  },
  async redis({ HOLDFAST_PASSWORD: password = '' }, [shell, flag, script = '']) {
    if (shell !== 'sh' || flag !== '-c' || !script.includes('requirepass $HOLDFAST_PASSWORD'))
      throw new Error(`the entrypoint does not know ${shell}`)
    return startRedis({ password })
  },
  mariadb: ({ MARIADB_ROOT_PASSWORD: password, MARIADB_DATABASE: database }) =>
    startMariadb({
      setup: `CREATE USER root@'%' IDENTIFIED BY '${password}';
              GRANT ALL ON *.* TO root@'%' WITH GRANT OPTION;
              CREATE DATABASE ${database}`,
    }),
  'clickhouse/clickhouse-server': ({ CLICKHOUSE_USER: user = '', CLICKHOUSE_PASSWORD: password = '' }) =>
    startClickHouse({ users: { [user]: { password } } }),
  // One that ends as soon as it runs.
  broken: ({ POSTGRES_PASSWORD: password }) =>
    Promise.reject(new Error(`first line\ncannot start with ${password}`)),
  // One that runs and never serves.
  deaf: () => new Promise(() => {}),
}

interface Container {
  readonly id: string
  readonly name: string
  readonly image: string
  readonly labels: Variables
  readonly env: Variables
  readonly args: readonly string[]
  readonly port: number
  readonly proxy: Server
  readonly inside: Promise<Inside | undefined>
  running: boolean
  log: string
}

interface Call {
  readonly args: readonly string[]
  readonly env: Variables
}

export interface EngineOptions {
  /** What is there without a pull: `REPOSITORY:TAG`. */
  readonly images?: readonly string[]
  /** Commands that never answer. */
  readonly hangs?: readonly string[]
}

export interface ScriptedEngine {
  /** The program, for HOLDFAST_CONTAINER. */
  readonly file: string
  /** What a process needs in its environment to use it. */
  readonly env: { readonly HOLDFAST_CONTAINER: string; readonly DOCKER_HOST: string }
  readonly containers: readonly Container[]
  /** The first words of every call so far. */
  readonly calls: readonly string[]
  /** Makes a container, as somebody else would. */
  add(name: string, labels: Variables): Promise<void>
  close(): Promise<void>
}

const CLIENT = `#!${process.execPath}
const { HOLDFAST_CONTAINER, DOCKER_HOST, ...env } = process.env
const socket = require('node:net').connect(DOCKER_HOST.slice('unix://'.length))
socket.end(JSON.stringify({ args: process.argv.slice(2), env }))
let text = ''
socket.setEncoding('utf8').on('data', chunk => { text += chunk })
socket.on('error', error => { console.error('Cannot connect to the engine: ' + error.code); process.exit(1) })
socket.on('end', () => {
  const { status, stdout, stderr } = JSON.parse(text)
  process.stdout.write(stdout)
  process.stderr.write(stderr)
  process.exitCode = status
})
`

export async function startEngine(options: EngineOptions = {}): Promise<ScriptedEngine> {
  const folder = tempFolder('engine')
  const [file, path] = [join(folder, 'docker'), join(folder, 'socket')]
  writeFileSync(file, CLIENT)
  chmodSync(file, 0o755)
  const daemon = new Daemon(options)
  const calls: string[] = []
  const hanging = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, async socket => {
    socket.on('error', () => {})
    const call = JSON.parse(await received(socket)) as Call
    calls.push(call.args.slice(0, 2).join(' '))
    if (options.hangs?.includes(call.args[0] ?? '')) return void hanging.add(socket)
    const answer = await daemon.answer(call).then(
      stdout => ({ status: 0, stdout: stdout && `${stdout}\n`, stderr: '' }),
      (error: Error) => ({ status: 1, stdout: '', stderr: `${error.message}\n` }),
    )
    socket.end(JSON.stringify(answer))
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    file,
    env: { HOLDFAST_CONTAINER: file, DOCKER_HOST: `unix://${path}` },
    containers: daemon.containers,
    calls,
    async add(name, labels) {
      const label = Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`])
      const args = ['run', '--name', name, ...label, '--publish', '127.0.0.1::1', 'deaf:1']
      await daemon.answer({ args, env: {} })
    },
    async close() {
      for (const socket of hanging) socket.destroy()
      server.close()
      await Promise.all(daemon.containers.map(one => daemon.remove(one)))
    },
  }
}

/** All that it sends before its half of the connection ends; ours stays open. */
async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await once(socket, 'end')
  return text
}

class Daemon {
  readonly containers: Container[] = []
  readonly #images: Set<string>

  constructor({ images = [] }: EngineOptions) {
    this.#images = new Set(images)
  }

  /** What it says on standard output; rejects with what it says on the other one. */
  async answer({ args, env }: Call): Promise<string> {
    const [command, ...rest] = args
    const named = () => rest.filter(word => !word.startsWith('-'))
    switch (command) {
      case 'ps': {
        const [, label = ''] = /label=(.*)$/.exec(rest.join(' ')) ?? []
        return this.containers.flatMap(one => (label in one.labels ? [one.id] : [])).join('\n')
      }
      case 'images':
        return [...this.#images].join('\n')
      case 'image':
        if (!this.#images.has(rest[1] ?? '')) throw new Error(`Error: No such image: ${rest[1]}`)
        return '[]'
      case 'pull':
        if (rest.at(-1)?.startsWith('nobody/')) throw new Error('Error: pull access denied')
        this.#images.add(rest.at(-1) ?? '')
        return rest.at(-1) ?? ''
      case 'run':
        return this.#run(rest, env)
      case 'port':
        return `127.0.0.1:${this.#find(rest[0]).port}`
      case 'logs':
        return this.#find(rest.at(-1)).log
      case 'inspect':
        if (rest[0] === '--format') return String(this.#find(rest[2]).running)
        return JSON.stringify(named().map(id => this.#inspected(this.#find(id))))
      case 'rm':
        await Promise.all(named().map(name => this.remove(this.#find(name))))
        return named().join('\n')
      default:
        throw new Error(`docker: '${command}' is not a docker command`)
    }
  }

  async remove(container: Container): Promise<void> {
    const at = this.containers.indexOf(container)
    if (at >= 0) this.containers.splice(at, 1)
    container.running = false
    container.proxy.close()
    if (!container.image.startsWith('deaf')) await (await container.inside)?.remove()
  }

  async #run(words: readonly string[], given: Variables): Promise<string> {
    const flags: [string, string][] = []
    let at = 0
    for (; words[at]?.startsWith('-'); at++) {
      const [flag = '', value] = (words[at] ?? '').split(/=(.*)/s)
      if (flag === '--detach') continue
      flags.push([flag, value ?? words[++at] ?? ''])
    }
    const [image = '', ...command] = words.slice(at)
    const all = (flag: string) => flags.flatMap(([name, value]) => (name === flag ? [value] : []))
    const repository = image.replace(/:[^:/]*$/, '')
    const entry = INSIDE[repository]
    if (!entry || (!this.#images.has(image) && repository !== 'deaf'))
      throw new Error(`Unable to find image '${image}' locally`)
    // A name alone takes its value from the caller's environment.
    const env = Object.fromEntries(all('--env').map(name => [name, given[name] ?? '']))
    const port = await freePort()
    let inner: number | undefined
    const proxy = await forward(port, () => inner)
    const started = entry(env, command).then(
      inside => {
        inner = inside.port
        return inside
      },
      (error: Error) => {
        Object.assign(container, { running: false, log: error.message })
        return undefined
      },
    )
    const container: Container = {
      id: randomBytes(32).toString('hex'),
      name: all('--name')[0] ?? '',
      image,
      labels: Object.fromEntries(all('--label').map(label => label.split(/=(.*)/s).slice(0, 2))),
      env,
      args: words,
      port,
      proxy,
      inside: started,
      running: true,
      log: '',
    }
    this.containers.push(container)
    return container.id
  }

  #find(name = ''): Container {
    const found = this.containers.find(one => one.name === name || one.id === name)
    if (!found) throw new Error(`Error response from daemon: No such container: ${name}`)
    return found
  }

  #inspected({ id, labels, running }: Container) {
    return { Id: id, Config: { Labels: labels }, State: { Running: running } }
  }
}

async function forward(port: number, inner: () => number | undefined): Promise<Server> {
  const server = createServer(socket => {
    const to = inner()
    socket.on('error', () => {})
    if (to === undefined) return void socket.destroy()
    const other = connect(to, '127.0.0.1')
    other.on('error', () => socket.destroy())
    other.on('close', () => socket.destroy())
    socket.on('close', () => other.destroy())
    socket.pipe(other).pipe(socket)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}
