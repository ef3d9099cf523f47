import Fastify from 'fastify'
import { healthRoutes, holdfastErrors } from 'holdfast/fastify'
import { routes } from './routes.js'

/** The server's routes over its connections; it listens to nothing yet. */
export async function createApp({ pool, redis }) {
  const app = Fastify({ bodyLimit: 65_536 })
  app.addHook('onError', async ({ method, url }, _reply, error) => {
    if ((error.statusCode ?? 500) >= 500)
      console.error(`shop: ${method} ${url}: ${error.message || error.code}`)
  })
  await app.register(holdfastErrors)
  await app.register(healthRoutes, { pools: { db: pool } })
  await app.register(routes, { pool, redis })
  return app
}
