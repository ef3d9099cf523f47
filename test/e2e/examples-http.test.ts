import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { sharedPostgres } from '../support/shared.js'

const cwd = fileURLToPath(new URL('../../', import.meta.url))

test('the HTTP example answers by what went wrong, says that it is ready, and at SIGTERM drains and ends', async () => {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: sharedPostgres().url(),
    PORT: '0',
    DRAIN_MILLIS: '1000',
  }
  const server = spawn(process.execPath, ['examples/http/server.mjs'], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void server.kill('SIGKILL'))
  const ended = once(server, 'exit')
  const said = await createInterface(server.stdout)[Symbol.asyncIterator]().next()
  const url = /http\S+/.exec(said.value ?? '')?.[0]
  const get = async (path: string) => {
    const response = await fetch(url + path)
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      text: await response.text(),
    }
  }
  await expect.poll(() => get('/readyz'), { timeout: 20_000 }).toMatchObject({ status: 200, text: 'ok' })
  expect(await get('/double/21')).toMatchObject({ status: 200, text: '{"it":42}' })
  expect(await get('/double/many')).toMatchObject({
    status: 400,
    text: expect.stringContaining('That is no number'),
  })
  expect(await get('/sleep/5')).toMatchObject({ status: 504, retryAfter: null })
  const crowd = await Promise.all(Array.from({ length: 12 }, () => get('/sleep/0.4')))
  const shed = crowd.filter(({ status }) => status === 503)
  expect(shed.length).toBeGreaterThan(0)
  for (const answer of shed)
    expect(answer).toMatchObject({ retryAfter: '1', text: expect.stringContaining('"max":2') })
  server.kill('SIGTERM')
  await expect
    .poll(() => get('/readyz'), { interval: 20 })
    .toMatchObject({
      status: 503,
      text: expect.stringContaining('shutdown failed: draining'),
    })
  expect(await get('/double/21')).toMatchObject({ status: 200 })
  expect(await ended).toEqual([0, null])
})
