/**
 * A program of its own for runInNetns: starts what a look shall meet, probes the target, and prints what the look said as
 * JSON. Bundled by `lookingProgram`.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { parseTarget } from '../../src/core/target.js'
import { drivers } from '../../src/gate/doctor/looks/drivers.js'
import { namesFrom } from '../../src/gate/doctor/looks/names.js'
import { originsFrom } from '../../src/gate/doctor/looks/origins.js'
import { surroundingsFrom } from '../../src/gate/doctor/looks/surroundings.js'
import type { Subject } from '../../src/gate/doctor/subject.js'
import { probeOnce } from '../../src/gate/probe.js'
import { loadService, SCHEMES } from '../../src/services/registry.js'
import type { Scene } from './looks.js'

const scene: Scene = JSON.parse(process.argv[2] ?? '{}')
const { address, look, root = '/', folder = '/', env = {}, listen = [], zone, timeoutMs = 5000 } = scene

/** Answers A queries from the zone, all else with NXDOMAIN. */
async function serveNames(names: Readonly<Record<string, string>>): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const type = query.readUInt16BE(at + 1)
    const known = names[labels.join('.').toLowerCase()]
    const answers = known && type === 1 ? [known] : []
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(known ? 0x8180 : 0x8183, 2)
    header.writeUInt16BE(answers.length, 6)
    header.writeUInt32BE(0, 8)
    const records = answers.map(ip =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...ip.split('.').map(Number)]),
    )
    socket.send(Buffer.concat([header, query.subarray(12, at + 5), ...records]), from.port, from.address)
  })
  socket.bind(53, '127.0.0.1')
  await once(socket, 'listening')
  socket.unref()
}

if (zone) await serveNames(zone)
for (const { host, port } of listen) {
  const server = createServer(socket => socket.destroy()).listen(port, host)
  await once(server, 'listening')
  server.unref()
}
const target = parseTarget(address, { schemes: SCHEMES, source: scene.source ?? 'argument' })
const service = await loadService(target.service)
const signal = AbortSignal.timeout(timeoutMs)
const { verdict, session } = await probeOnce(target, service, { signal, timeoutMs: 2000, identify: false })
await session?.close()
const [, variable = ''] = /^env:(\w+)$/.exec(target.source) ?? []
const kind = /^(PG|DB_)HOST/.test(variable) ? (variable.startsWith('PG') ? 'pg' : 'db') : undefined
const sources: Subject['sources'] = kind ? [{ kind }] : variable ? [{ kind: 'url', variable }] : []
const subject: Subject = { target, service, verdict, sources, env, signal }
const looks = {
  origins: () => originsFrom(subject, root),
  names: () => namesFrom(subject, root, folder),
  surroundings: () => surroundingsFrom(subject, root, folder),
  drivers: () => drivers(subject),
}
console.log(JSON.stringify({ verdict, ...(await looks[look]()) }))
