/** A RabbitMQ that boots: for five seconds nothing listens, unless a published port accepts in its place. */
import { connect } from 'node:net'
import { PROTOCOL_HEADER, readFrame } from '../../src/wire/amqp.js'
import { METHOD, methodOf, open, startOk, tuneOk } from '../../src/wire/amqpmethods.js'
import { rabbitmqReadyAt, startRabbitmq } from '../support/rabbitmq.js'
import { freePort } from '../support/root.js'
import { REFUSALS, startProxy } from './published-port.js'
import { gate, type Race, released, type Setting } from './race.js'

/** Logs in as guest and wants its virtual host opened, as a program's first connection does. */
async function askRabbitmq(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  const timer = setTimeout(() => socket.destroy(new Error('no answer within 5 s')), 5_000)
  const bytes = socket[Symbol.asyncIterator]()
  let unread = Buffer.alloc(0)
  const source = {
    async read(n: number) {
      while (unread.length < n) {
        const { value, done } = await bytes.next()
        if (done) throw new Error(`closed after ${unread.length} bytes of ${n}`)
        unread = Buffer.concat([unread, value])
      }
      const taken = unread.subarray(0, n)
      unread = unread.subarray(n)
      return taken
    },
  }
  const expect = async (id: number) => {
    const heard = methodOf(await readFrame(source)).id
    if (heard !== id) throw new Error(`method ${heard} in place of ${id}`)
  }
  try {
    socket.write(PROTOCOL_HEADER)
    await expect(METHOD.start)
    socket.write(startOk({}, 'PLAIN', '\0guest\0guest'))
    await expect(METHOD.tune)
    socket.write(tuneOk({ channelMax: 16, frameMax: 0, heartbeat: 0 }, 0))
    socket.write(open('/'))
    await expect(METHOD.openOk)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** Waits at `port` for a broker that boots at `backend`. */
async function boots(setting: Setting, port: number, backend: number) {
  const { random, defer } = setting
  const release = gate(setting, [`amqp://127.0.0.1:${port}`], () => askRabbitmq(port))
  await random.pause(0, 200)
  const server = await startRabbitmq({ port: backend })
  defer(() => server.remove())
  return released(await release, rabbitmqReadyAt(server.log()))
}

export const rabbitmqBoots: Race = {
  name: 'RabbitMQ that boots',
  since: "the broker's log",
  trials: 1,
  async run(setting) {
    const port = await freePort()
    return boots(setting, port, port)
  },
}

export const rabbitmqPublished: Race = {
  name: 'RabbitMQ that boots behind a published port',
  since: "the broker's log",
  trials: 1,
  async run(setting) {
    const backend = await freePort()
    const proxy = await startProxy(backend, setting.random.pick(REFUSALS))
    setting.defer(() => proxy.close())
    return boots(setting, proxy.port, backend)
  },
}
