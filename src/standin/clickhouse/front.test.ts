import { once } from 'node:events'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clickHouseFront } from './front.js'

const asked: string[] = []
const engine = {
  query: (statement: string) => {
    asked.push(statement)
    return '1\n'
  },
  queryBind: () => '1\n',
}
const server = clickHouseFront({ engine, password: 'right' })
beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

/** Sends `bytes` of a body that does not end, and gives status and text of the answer. */
async function answerBeforeTheEnd(password: string, bytes: number) {
  const headers = { 'x-clickhouse-user': 'holdfast', 'x-clickhouse-key': password }
  const sent = request({
    port: (server.address() as AddressInfo).port,
    method: 'POST',
    headers,
    agent: false,
  })
  sent.on('error', () => {})
  for (let left = bytes; left > 0; left -= 1 << 16) sent.write(Buffer.alloc(Math.min(left, 1 << 16), 'x'))
  const [response] = await once(sent, 'response')
  let text = ''
  for await (const chunk of response) {
    text += chunk
    if (text.endsWith('\n')) break
  }
  sent.destroy()
  return { status: response.statusCode as number, text }
}

test('a wrong password is refused before the body has come', async () => {
  const { status, text } = await answerBeforeTheEnd('wrong', 10)
  expect({ status, text }).toEqual({ status: 403, text: expect.stringContaining('Code: 516') })
})

test('a body beyond 16 MB is refused, and not waited for', async () => {
  const { status, text } = await answerBeforeTheEnd('right', (16 << 20) + 1)
  expect({ status, text }).toEqual({ status: 500, text: expect.stringContaining('Code: 290') })
  expect(asked).toEqual([])
})
