import { describe, expect, test } from 'vitest'
import { type CliResult, holdfast } from '../support/cli.js'
import { startPeer } from '../support/peer.js'
import { answers, GREETINGS, greets } from '../support/peers.js'
import { sharedPostgres, sharedRedis } from '../support/shared.js'

const at = (scheme: string, { host, port }: { host: string; port: number }) =>
  `${scheme}://app:secret-word@${host}:${port}/0`

const wait = (url: string) => holdfast(['wait', url, '--grace', '0', '--timeout', '5s'])

function expectMismatch({ status, stderr }: CliResult, expected: string, found: string): void {
  expect(status, stderr).toBe(78)
  expect(stderr).toMatch(
    new RegExp(`✗ \\w+: protocol-mismatch at \\w+: expected ${expected}, but ${found} answers`),
  )
  expect(stderr).toContain(`→ Check the port: it belongs to ${found} and not to ${expected}.`)
}

describe('something else on the port is named, and ends the wait', () => {
  test.concurrent('postgres at a Redis', async () => {
    expectMismatch(await wait(at('postgres', sharedRedis())), 'PostgreSQL', 'Redis')
  })

  test.concurrent('redis at a PostgreSQL', async () => {
    expectMismatch(await wait(at('redis', sharedPostgres())), 'Redis', 'PostgreSQL')
  })

  test.concurrent('http at a PostgreSQL', async () => {
    expectMismatch(await wait(at('http', sharedPostgres())), 'HTTP', 'PostgreSQL')
  })

  test.concurrent('http at a Redis', async () => {
    expectMismatch(await wait(at('http', sharedRedis())), 'HTTP', 'Redis')
  })

  test.concurrent.each([
    ['postgres', 'PostgreSQL'],
    ['redis', 'Redis'],
  ])('%s at an HTTP server', async (scheme, expected) => {
    const peer = await startPeer(answers(GREETINGS.http))
    expectMismatch(await wait(at(scheme, peer)).finally(() => peer.close()), expected, 'HTTP')
  })

  test.concurrent.each([
    ['mysql', 'MySQL'],
    ['ssh', 'SSH'],
  ] as const)('every service at %s', async (greeting, found) => {
    const peer = await startPeer(greets(GREETINGS[greeting]))
    const all = [
      ['postgres', 'PostgreSQL'],
      ['redis', 'Redis'],
      ['http', 'HTTP'],
    ] as const
    const results = await Promise.all(all.map(([scheme]) => wait(at(scheme, peer))))
    await peer.close()
    for (const [i, result] of results.entries()) expectMismatch(result, all[i]?.[1] ?? '', found)
  })
})

test.concurrent.each([
  ['as text where they are text', 'what is this?\r\n', '"what is this?'],
  ['as numbers where a terminal might obey them', '\x1b[2J\x1b]0;title\x07\r\n', '1b 5b 32 4a'],
])('bytes that nobody knows are shown %s', async (_, bytes, shown) => {
  const peer = await startPeer(answers(bytes))
  const address = `redis://127.0.0.1:${peer.port}`
  const { status, stderr } = await wait(address).finally(() => peer.close())
  expect(status).toBe(78)
  expect(stderr).toMatch(/expected Redis, but something else answers: the first bytes were/)
  expect(stderr).toContain(shown)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
  expect(stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f]/)
})

test('of bytes that answer a password only the first is shown', async () => {
  const peer = await startPeer(answers('what is this?\r\n'))
  const { stderr } = await wait(`redis://:secret@127.0.0.1:${peer.port}`).finally(() => peer.close())
  expect(stderr).toMatch(/something else answers: the first of 15 bytes was 0x77/)
})

test('a mismatch lasts for the grace before it ends the wait: the port may still change hands', async () => {
  const peer = await startPeer(answers(GREETINGS.http))
  const { status, ms } = await holdfast(['wait', at('redis', peer), '--grace', '500ms']).finally(() =>
    peer.close(),
  )
  expect(status).toBe(78)
  expect(ms).toBeGreaterThan(500)
  expect(peer.connections).toBeGreaterThan(1)
})
