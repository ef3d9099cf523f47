/** Path patterns and what answers them; `:id` is a number. Each returns [status, body]. */
import { QUEUE } from './orders.js'

const found = rows => (rows[0] ? [200, rows[0]] : [404, { error: 'not found' }])
const bad = message => [400, { error: message }]

export const ROUTES = [
  ['GET /livez', async () => [200, { alive: true }]],
  ['GET /readyz', async ({ pool }) => ready(pool)],
  [
    'GET /users',
    async ({ pool }) => [
      200,
      (await pool.query('SELECT id, email, name FROM users ORDER BY id LIMIT 100')).rows,
    ],
  ],
  [
    'POST /users',
    async ({ pool, body: { email, name } }) => {
      if (typeof email !== 'string' || typeof name !== 'string') return bad('email and name are needed')
      const { rows } = await pool.query(
        'INSERT INTO users (email, name) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING id, email, name',
        [email, name],
      )
      return rows[0] ? [201, rows[0]] : [409, { error: 'this email is taken' }]
    },
  ],
  [
    'POST /orders',
    async ({ pool, redis, body: { userId, item, cents } }) => {
      if (typeof item !== 'string' || !(Number.isInteger(cents) && cents > 0))
        return bad('userId, item and cents are needed')
      const { rows } = await pool.query(
        `INSERT INTO orders (user_id, item, cents) SELECT id, $2, $3 FROM users WHERE id = $1
         RETURNING id, user_id, item, cents, state`,
        [Number(userId) || 0, item, cents],
      )
      if (!rows[0]) return bad('no such user')
      // Only a nudge: without Redis the worker finds the order a little later.
      await redis.rpush(QUEUE, rows[0].id).catch(() => {})
      return [201, rows[0]]
    },
  ],
  [
    'GET /orders/:id',
    async ({ pool, id }) =>
      found(
        (
          await pool.query(
            `SELECT orders.id, user_id, item, orders.cents, state, paid_at
             FROM orders LEFT JOIN payments ON order_id = orders.id WHERE orders.id = $1`,
            [id],
          )
        ).rows,
      ),
  ],
  [
    'GET /users/:id/notifications',
    async ({ pool, id }) => [
      200,
      (await pool.query('SELECT text, created_at FROM notifications WHERE user_id = $1 ORDER BY id', [id]))
        .rows,
    ],
  ],
]

/** Asks the database, and answers within three seconds whatever it does. */
async function ready(pool) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(reject, 3000, new Error('the database did not answer within 3 s'))
  })
  try {
    await Promise.race([pool.query('SELECT 1'), late])
    return [200, { ready: true }]
  } catch (error) {
    return [503, { ready: false, error: error.message || error.code }]
  } finally {
    clearTimeout(timer)
  }
}
