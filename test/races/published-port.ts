/** A published port: its proxy accepts from the beginning, and closes what it cannot pass on. */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { startPostgres } from '../support/postgres.js'
import { startRedis } from '../support/redis.js'
import { freePort } from '../support/root.js'
import {
  appUrl,
  askPostgres,
  askRedis,
  gate,
  postgresReadyAt,
  type Race,
  redisReadyAt,
  released,
} from './race.js'

/** How it closes: at once, or once the client has said something; with FIN or with RST. */
type Refusal = 'eof on accept' | 'eof on the first bytes' | 'reset on the first bytes'

export const REFUSALS: readonly [Refusal, ...Refusal[]] = [
  'eof on accept',
  'eof on the first bytes',
  'reset on the first bytes',
]

export async function startProxy(backendPort: number, refusal: Refusal) {
  const clients = new Set<Socket>()
  const close = (client: Socket) => {
    if (refusal === 'reset on the first bytes') client.resetAndDestroy()
    else client.end()
  }
  const refuse = (client: Socket) => {
    if (refusal === 'eof on accept') close(client)
    else client.once('data', () => close(client))
    client.resume()
  }
  const server = createServer({ noDelay: true }, client => {
    clients.add(client.on('error', () => {}))
    const backend = connect({ host: '127.0.0.1', port: backendPort, noDelay: true })
    backend.once('error', () => refuse(client))
    backend.once('connect', () => {
      backend.on('error', () => {})
      client.pipe(backend).pipe(client)
    })
    client.once('close', () => {
      clients.delete(client)
      backend.destroy()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const client of clients) client.destroy()
      return new Promise(resolve => server.close(resolve))
    },
  }
}

export const publishedPort: Race = {
  name: 'published port without a backend',
  since: "the backend's log",
  async run(setting) {
    const { random, defer } = setting
    const backend = await freePort()
    const proxy = await startProxy(backend, random.pick(REFUSALS))
    defer(() => proxy.close())
    const { port } = proxy
    if (random.pick(['postgres', 'redis']) === 'redis') {
      const release = gate(setting, [`redis://127.0.0.1:${port}`], () => askRedis('127.0.0.1', port))
      await random.pause(200, 800)
      const server = await startRedis({ port: backend })
      defer(() => server.remove())
      return released(await release, redisReadyAt(server.log()))
    }
    const url = appUrl(port)
    const release = gate(setting, [url], () => askPostgres(url))
    await random.pause(200, 500)
    const server = await startPostgres({ port: backend })
    defer(() => server.remove())
    return released(await release, postgresReadyAt(server.log()))
  },
}
