// A server whose database errors are answered by what they mean, and which says whether it is ready.
import fastify from 'fastify'
import { healthRoutes, holdfastErrors } from 'holdfast/fastify'
import { createPool } from 'holdfast/pg'

const pool = createPool('env:DATABASE_URL', { max: 2, acquireTimeoutMillis: 500, query_timeout: 1000 })
const app = fastify({ logger: { level: 'error', stream: process.stderr } })

await app.register(holdfastErrors, {
  // What a client did wrong is for the program to say.
  map: ({ code }) => (code === '22P02' ? { status: 400, title: 'That is no number' } : undefined),
})
await app.register(healthRoutes, { checks: { db: { pool } } })

app.get('/double/:n', async request => {
  const { rows } = await pool.query('SELECT $1::int * 2 AS it', [request.params.n])
  return rows[0]
})
app.get('/sleep/:seconds', async request => {
  await pool.query('SELECT pg_sleep($1)', [request.params.seconds])
  return { slept: true }
})
app.addHook('onClose', () => pool.end())
// /readyz is 503 from here on; close when the load balancer has seen it.
process.once('SIGTERM', () => setTimeout(() => app.close(), Number(process.env.DRAIN_MILLIS ?? 10_000)))

console.log(`listening on ${await app.listen({ port: Number(process.env.PORT ?? 3000) })}`)
