/** What the shop answers. Ids are texts, since a bigint is more than a number of JavaScript. */
import { claim } from './claims.js'
import { nudge } from './orders.js'
import { ALREADY_CLAIMED, CODE_TAKEN, EMAIL_TAKEN, problem, SOLD_OUT } from './problems.js'

const ID = { type: 'string', pattern: '^\\d{1,18}$' }
// PostgreSQL keeps every character but NUL.
const TEXT = { type: 'string', minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' }
const COUNT = { type: 'integer', minimum: 1, maximum: 2_000_000_000 }
const object = properties => ({ type: 'object', properties, required: Object.keys(properties) })
const params = object({ id: ID })

export async function routes(app, { pool, redis }) {
  const rows = async (...query) => (await pool.query(...query)).rows
  const found = (reply, [row]) => row ?? problem(reply, 404)

  app.get('/users', () => rows('SELECT id, email, name FROM users ORDER BY id LIMIT 100'))

  app.post('/users', { schema: { body: object({ email: TEXT, name: TEXT }) } }, async ({ body }, reply) => {
    const [user] = await rows(
      'INSERT INTO users (email, name) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING id, email, name',
      [body.email, body.name],
    )
    return user ? reply.code(201).send(user) : problem(reply, 409, EMAIL_TAKEN)
  })

  const order = object({ userId: ID, item: TEXT, cents: COUNT })
  app.post('/orders', { schema: { body: order } }, async ({ body }, reply) => {
    const [made] = await rows(
      `INSERT INTO orders (user_id, item, cents) SELECT id, $2, $3 FROM users WHERE id = $1
       RETURNING id, user_id, item, cents, state`,
      [body.userId, body.item, body.cents],
    )
    if (!made) return problem(reply, 400, undefined, { detail: 'no such user' })
    nudge(redis, made.id)
    return reply.code(201).send(made)
  })

  app.get('/orders/:id', { schema: { params } }, async (request, reply) =>
    found(
      reply,
      await rows(
        `SELECT orders.id, user_id, item, orders.cents, state, paid_at
         FROM orders LEFT JOIN payments ON order_id = orders.id WHERE orders.id = $1`,
        [request.params.id],
      ),
    ),
  )

  app.get('/users/:id/notifications', { schema: { params } }, request =>
    rows('SELECT text, created_at FROM notifications WHERE user_id = $1 ORDER BY id', [request.params.id]),
  )

  app.post(
    '/coupons',
    { schema: { body: object({ code: TEXT, total: COUNT }) } },
    async ({ body }, reply) => {
      const [coupon] = await rows(
        `INSERT INTO coupons (code, total, remaining) VALUES ($1, $2, $2) ON CONFLICT (code) DO NOTHING
       RETURNING id, code, total, remaining`,
        [body.code, body.total],
      )
      return coupon ? reply.code(201).send(coupon) : problem(reply, 409, CODE_TAKEN)
    },
  )

  app.get('/coupons/:id', { schema: { params } }, async (request, reply) =>
    found(
      reply,
      await rows(
        `SELECT id, code, total, remaining,
           (SELECT count(*)::int FROM claims WHERE coupon_id = coupons.id) AS claimed
         FROM coupons WHERE id = $1`,
        [request.params.id],
      ),
    ),
  )

  const body = object({ userId: ID })
  app.post('/coupons/:id/claims', { schema: { params, body } }, async (request, reply) => {
    const end = await claim(pool, request.params.id, request.body.userId)
    if (end.state === 'claimed') return reply.code(201).send(end.claim)
    if (end.state === 'already-claimed') return problem(reply, 409, ALREADY_CLAIMED, { claim: end.claim })
    if (end.state === 'sold-out') return problem(reply, 409, SOLD_OUT)
    return problem(reply, 404, undefined, { detail: 'no such coupon, or no such user' })
  })
}
