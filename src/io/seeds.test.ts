import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, test } from 'vitest'
import { resolveSeeds } from './seeds.js'

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const int16 = (...values: number[]) => Buffer.from(values.flatMap(value => [value >> 8, value & 255]))
const labels = (name: string) =>
  Buffer.concat([
    ...name.split('.').map(part => Buffer.concat([Buffer.of(part.length), Buffer.from(part)])),
    Buffer.of(0),
  ])

const SRV = 33
const TXT = 16

/** The name that a query asks for. */
function nameIn(query: Buffer): string {
  const parts: string[] = []
  for (let at = 12; query[at]; at += 1 + (query[at] ?? 0))
    parts.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)))
  return parts.join('.')
}

type Record = readonly [type: number, data: Buffer]
const srv = (host: string, port = 27017): Record => [SRV, Buffer.concat([int16(0, 0, port), labels(host)])]
const txt = (...parts: string[]): Record => [
  TXT,
  Buffer.concat(parts.map(part => Buffer.concat([Buffer.of(part.length), Buffer.from(part)]))),
]

/** A name server (RFC 1035, section 4) that knows these records, and of no others; or never answers. */
async function nameServer(records: readonly Record[] | 'silent', asked: string[] = []): Promise<string> {
  const socket = createSocket('udp4')
  closers.push(() => socket.close())
  socket.on('message', (query, from) => {
    const end = query.indexOf(0, 12) + 5
    const type = query.readUInt16BE(end - 4)
    asked.push(nameIn(query))
    if (records === 'silent') return
    const found = records.filter(([one]) => one === type)
    const answers = found.map(([one, data]) =>
      Buffer.concat([int16(0xc00c, one, 1, 0, 60, data.length), data]),
    )
    const head = Buffer.concat([
      query.subarray(0, 2),
      int16(found.length ? 0x8180 : 0x8183, 1, found.length, 0, 0),
    ])
    socket.send(Buffer.concat([head, query.subarray(12, end), ...answers]), from.port, from.address)
  })
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  return `127.0.0.1:${socket.address().port}`
}

const { signal } = new AbortController()
const seeds = async (records: readonly Record[], name = 'db.example.net', asked: string[] = []) =>
  resolveSeeds(name, 'mongodb', signal, [await nameServer(records, asked)])

describe('the hosts of a name', () => {
  test('are those of its SRV records, with their ports, and options of its TXT record, in parts', async () => {
    const asked: string[] = []
    const records = [
      srv('a.example.net'),
      srv('b.example.net', 27018),
      txt('authSource=admin&', 'replicaSet=rs0'),
    ]
    const found = await seeds(records, 'db.example.net', asked)
    expect([...found.hosts].sort((a, b) => a.port - b.port)).toEqual([
      { host: 'a.example.net', port: 27017 },
      { host: 'b.example.net', port: 27018 },
    ])
    expect([...found.options]).toEqual([
      ['authSource', 'admin'],
      ['replicaSet', 'rs0'],
    ])
    expect(asked.sort()).toEqual(['_mongodb._tcp.db.example.net', 'db.example.net'])
  })

  test('are within the domain of a name that ends with a dot', async () => {
    const { hosts } = await seeds([srv('a.example.net')], 'db.example.net.')
    expect(hosts).toEqual([{ host: 'a.example.net', port: 27017 }])
    await expect(seeds([srv('a.example.com')], 'db.example.net.')).rejects.toMatchObject({
      finding: { reason: 'dns-failure' },
    })
  })

  test('need no TXT record', async () => {
    const { options } = await seeds([srv('a.example.net')])
    expect(options.size).toBe(0)
  })

  test.each([
    ['db.example.net', 'a.example.com'],
    ['db.example.net', 'a.evilexample.net'],
    ['db.example.net', 'example.net'],
    ['db.local', 'db.local'],
    ['db.local', 'other.local'],
  ])('%s are not outside of its domain, as %s is', async (name, host) => {
    await expect(seeds([srv(host)], name)).rejects.toMatchObject({ finding: { reason: 'dns-failure' } })
  })

  test.each([
    ['more than one TXT record', [txt('authSource=a'), txt('replicaSet=b')], 'is not the only one'],
    ['another option', [txt('authSource=a&tls=false')], 'sets tls'],
  ])('are not taken with %s', async (_, more, message) => {
    await expect(seeds([srv('a.example.net'), ...more])).rejects.toMatchObject({
      finding: { reason: 'client-misuse', message: `the TXT record of db.example.net ${message}` },
    })
  })

  test('that has none is an error of the resolver', async () => {
    await expect(seeds([])).rejects.toMatchObject({ code: 'ENOTFOUND', syscall: 'querySrv' })
  })

  test('that nobody answers for are given up with the signal', async () => {
    const abort = new AbortController()
    const asked = resolveSeeds('db.example.net', 'mongodb', abort.signal, [await nameServer('silent')])
    abort.abort(new Error('no longer'))
    await expect(asked).rejects.toThrow('no longer')
  })
})
