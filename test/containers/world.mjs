/** What scenes are made of: a network, a database, a Redis, and containers of the shop's image. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mustPodman, podman } from './podman.mjs'

export const BASE = 'localhost/holdfast-base'
export const SHOP = 'localhost/holdfast-shop'

const files = fileURLToPath(new URL('files', import.meta.url))
const INITDB = fileURLToPath(new URL('../../examples/shop/initdb', import.meta.url))
const flags = env => Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])

export const ADDRESSES = {
  DATABASE_URL: 'postgres://shop:kelp-forest@db:5432/shop',
  REDIS_URL: 'redis://redis:6379',
}

/** Waits for `look` to return something, and asks again every 50 ms; the only clock that scenes have. */
export async function until(what, look, limitMs = 30_000) {
  const end = performance.now() + limitMs
  for (;;) {
    const seen = await look()
    if (seen) return seen
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export class World {
  network = 'shop'
  #folder

  constructor(folder) {
    this.#folder = folder
  }

  /** A folder that containers may read, with these files. */
  folder(contents) {
    mkdirSync(this.#folder, { recursive: true })
    const folder = mkdtempSync(join(this.#folder, 'files-'))
    chmodSync(folder, 0o755)
    for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text)
    return folder
  }

  /** The database's container, as the official image would start; `initial` holds init scripts after the shop's. */
  database(initial = {}) {
    const env = {
      POSTGRES_USER: 'postgres',
      POSTGRES_PASSWORD: 'kelp-holdfast',
      SHOP_PASSWORD: 'kelp-forest',
    }
    const scripts = this.folder(initial)
    cpSync(INITDB, scripts, { recursive: true })
    const volumes = [
      ['--volume', `${files}/postgres.sh:/usr/local/bin/postgres.sh:ro`],
      ['--volume', `${scripts}:/docker-entrypoint-initdb.d:ro`],
    ].flat()
    return this.start('db', [...flags(env), ...volumes, BASE, 'postgres.sh'])
  }

  redis() {
    return this.start('redis', [BASE, 'redis-server', '--protected-mode', 'no', '--save', ''])
  }

  /** Database and Redis are there, and the database has finished its init scripts. */
  async ready() {
    const there = (await mustPodman(['ps', '--format', '{{.Names}}'])).split('\n')
    if (!there.includes('db')) await this.database()
    if (!there.includes('redis')) await this.redis()
    await this.logged('db', /init process complete/)
    const query = () =>
      this.exec('db', 'psql', '-h', '127.0.0.1', '-U', 'shop', '-d', 'shop', '-c', 'SELECT 1')
    await until('the database', async () => (await query()).status === 0)
  }

  /** Starts a container in the background. */
  start(name, args) {
    return mustPodman(['run', '--detach', '--name', name, '--network', this.network, ...args])
  }

  /** Starts the shop's image in the background, with its own entrypoint. */
  shop(name, { env = ADDRESSES, options = [], command = [] } = {}) {
    return this.start(name, [...flags(env), ...options, SHOP, ...command])
  }

  /** A container of the shop's image that runs one command and is gone: `compose run --rm --entrypoint`. */
  async once(command, { env = ADDRESSES, options = [], network = this.network, limitMs = 120_000 } = {}) {
    const [entrypoint, ...args] = command
    const where = ['--rm', '--network', network, ...flags(env), ...options]
    return podman(['run', ...where, '--entrypoint', entrypoint, SHOP, ...args], { limitMs })
  }

  holdfast(args, options) {
    return this.once(['holdfast', ...args], options)
  }

  exec(name, ...command) {
    return podman(['exec', name, ...command])
  }

  /** SQL as the superuser, over the socket. */
  async sql(text, database = 'shop') {
    const sql = ['psql', '-U', 'postgres', '-d', database, '-Atqc', text]
    return mustPodman(['exec', 'db', ...sql])
  }

  async logs(name) {
    return (await podman(['logs', name])).text
  }

  logged(name, pattern, limitMs) {
    return until(`${pattern} in the log of ${name}`, async () => pattern.exec(await this.logs(name)), limitMs)
  }

  async state(name) {
    return JSON.parse(await mustPodman(['inspect', '--format', '{{json .State}}', name]))
  }

  /** Its state once it has ended. */
  finished(name, limitMs) {
    return until(
      `the end of ${name}`,
      async () => {
        const state = await this.state(name)
        return state.Running ? undefined : state
      },
      limitMs,
    )
  }

  /** The address that it has on the network. */
  address(name) {
    return mustPodman([
      'inspect',
      '--format',
      `{{.NetworkSettings.Networks.${this.network}.IPAddress}}`,
      name,
    ])
  }

  /** Status and body of the server's answer, asked inside its container. */
  async ask(name, path) {
    const script = `fetch('http://127.0.0.1:3000${path}').then(async r => console.log(r.status, await r.text()), e => console.log(String(e.cause ?? e)))`
    return (await this.exec(name, 'node', '-e', script)).text.trim()
  }

  /** Its health is sampled, and follows a little later. */
  isReady(name) {
    return until(`${name} is ready`, async () => (await this.ask(name, '/readyz')) === '200 ok')
  }

  async remove(...names) {
    await podman(['rm', '--force', '--ignore', '--time', '0', ...names])
  }

  /** An empty network; whatever ran on the last one is gone. */
  async clear() {
    await podman(['rm', '--all', '--force', '--time', '0'])
    await podman(['network', 'rm', '--force', this.network])
    await mustPodman(['network', 'create', this.network])
  }
}
