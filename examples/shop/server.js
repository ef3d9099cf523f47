import { createServer } from 'node:http'
import { configOrExit } from './config.js'
import { createPool, createRedis } from './connections.js'
import { ROUTES } from './routes.js'

const config = configOrExit()
const pool = createPool(config, 'server')
const redis = createRedis(config, 'server')
const routes = ROUTES.map(([pattern, answer]) => [
  new RegExp(`^${pattern.replace(':id', '(\\d{1,18})')}$`),
  answer,
])

async function bodyOf(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > 65_536) throw new SyntaxError('too long')
  }
  const body = text ? JSON.parse(text) : {}
  return typeof body === 'object' && body !== null ? body : {}
}

async function answer(request) {
  const asked = `${request.method} ${request.url.split('?')[0]}`
  for (const [pattern, handle] of routes) {
    const match = pattern.exec(asked)
    if (match) return handle({ pool, redis, id: match[1], body: await bodyOf(request) })
  }
  return [404, { error: 'not found' }]
}

const server = createServer(async (request, response) => {
  const [status, body] = await answer(request).catch(error => {
    if (error instanceof SyntaxError) return [400, { error: 'the body is not JSON' }]
    console.error(`shop: ${request.method} ${request.url}: ${error.message || error.code}`)
    return [500, { error: 'internal error' }]
  })
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})

server.listen(config.port, () => console.log(`shop: listening on ${server.address().port}`))

let stopping = false
async function stop(signal) {
  if (stopping) return
  stopping = true
  console.log(`shop: ${signal}, closing`)
  // Requests under way are answered; only then do the connections go.
  await new Promise(resolve => {
    server.close(resolve)
    server.closeIdleConnections()
  })
  redis.disconnect()
  await pool.end()
  console.log('shop: closed')
  // A driver that is trying to connect again would keep the process for seconds.
  process.exit()
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal))
