import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import { startBlackhole } from './blackhole.js'
import { NETNS, runInNetns, startInNetns } from './netns.js'

/** A Node program that prints `value` once it is known. */
const program = (body: string) => [process.execPath, '-e', body]

const dial = (host: string) =>
  program(
    `require('node:net').connect(${JSON.stringify({ host, port: 5 })})
      .on('error', error => { console.log(error.code); process.exit() })
     setTimeout(() => { console.log('silence'); process.exit() }, 200)`,
  )

const lookup = (name: string) =>
  program(`require('node:dns').lookup('${name}', { all: true, verbatim: true }, (error, all) =>
    console.log(error ? error.code : all.map(it => it.address).join(' ')))`)

test('a black hole never answers, whoever asks', async () => {
  const holes = await Promise.all(['127.0.0.1', '::1'].map(host => startBlackhole({ host })))
  const events: string[] = []
  const sockets = holes.flatMap(hole =>
    Array.from({ length: 5 }, () =>
      createConnection(hole)
        .on('connect', () => events.push('connect'))
        .on('error', error => events.push(error.message)),
    ),
  )
  // Longer than the first repetition of a lost SYN, which comes after one second.
  await new Promise(resolve => setTimeout(resolve, 1_200))
  expect(events).toEqual([])
  for (const socket of sockets) socket.destroy()
  await Promise.all(holes.map(hole => hole.close()))
})

test('in a private network addresses vanish, are unreachable, prohibited, or without a route', async () => {
  const hosts = [NETNS.blackhole, NETNS.unreachable, NETNS.prohibited, '192.0.2.1', '127.0.0.1', '::1']
  const results = await Promise.all(hosts.map(host => runInNetns(dial(host))))
  expect(results.map(it => it.stdout.trim())).toEqual([
    'silence',
    'EHOSTUNREACH',
    'EACCES',
    'ENETUNREACH',
    'ECONNREFUSED',
    'ECONNREFUSED',
  ])
})

test('localhost is two addresses, or what the test says', async () => {
  const [two, other] = await Promise.all([
    runInNetns(lookup('localhost')),
    runInNetns(lookup('db'), { hosts: '10.1.2.3 db\n', network: 'host' }),
  ])
  expect(two.stdout.trim()).toBe('::1 127.0.0.1')
  expect(other.stdout.trim()).toBe('10.1.2.3')
})

test('nobody resolves, or somebody who never answers', async () => {
  const refused = await runInNetns(lookup('db.example'))
  expect(refused.stdout.trim()).toBe('EAI_AGAIN')
  expect(refused.ms).toBeLessThan(2_000)
  const silent = await runInNetns(lookup('db.example'), { resolver: 'silent', timeoutMs: 500 })
  expect(silent).toMatchObject({ signal: 'SIGKILL', stdout: '' })
})

test('a name can appear late', async () => {
  const body = `const { lookup } = require('node:dns/promises')
    const again = () => lookup('db').then(it => console.log(it.address), () => setTimeout(again, 10))
    again(); console.error('looking')`
  const run = startInNetns(program(body), { timeoutMs: 5_000 })
  run.addHost('10.1.2.3 db')
  expect((await run.result).stdout.trim()).toBe('10.1.2.3')
})

test('status, input, environment and set-up', async () => {
  const result = await runInNetns(['sh', '-c', 'cat; echo "$WHO" >&2; ip -o addr show dev extra; exit 7'], {
    input: 'hello',
    env: { WHO: 'me' },
    setup: ['ip link add extra type veth peer name other', 'ip address add 10.5.5.5/24 dev extra'],
  })
  expect(result).toMatchObject({ status: 7, stderr: 'me\n' })
  expect(result.stdout).toMatch(/^hello.*10\.5\.5\.5/)
})
