import Fastify from 'fastify'
import { healthRoutes, holdfastErrors } from 'holdfast/fastify'
import { answersError, answersProblems } from './problems.js'
import { routes } from './routes.js'

/** The server's routes over its connections; it listens to nothing yet. */
export async function createApp({ pool, redis, redisUrl }) {
  // `frameworkErrors`: an address that cannot be decoded comes to no other handler.
  const app = Fastify({ bodyLimit: 65_536, frameworkErrors: answersError })
  answersProblems(app)
  await app.register(healthRoutes, {
    checks: { db: { pool }, cache: { address: redisUrl, critical: false } },
    intervalMillis: 1000,
  })
  // A scope of its own: what is no database's error goes on to the handler of the app.
  await app.register(async scope => {
    await scope.register(holdfastErrors, { onError: logged })
    await scope.register(routes, { pool, redis })
  })
  return app
}

function logged(error, { status, body }, { method, url }) {
  console.error(`shop: ${method} ${url}: ${status} ${body.reason}: ${error.message || error.code}`)
}
