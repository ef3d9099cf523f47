/** Two users with an order each; a second run changes nothing. */
import { configOrExit } from './config.js'
import { createPool } from './connections.js'

const USERS = [
  ['ada@example.org', 'Ada', 'kelp'],
  ['grace@example.org', 'Grace', 'rock'],
]

const pool = createPool(configOrExit(), 'seed')
for (const [email, name, item] of USERS)
  await pool.query(
    `WITH one AS (
       INSERT INTO users (email, name) VALUES ($1, $2) ON CONFLICT (email) DO NOTHING RETURNING id
     ) INSERT INTO orders (user_id, item, cents) SELECT id, $3, 1999 FROM one`,
    [email, name, item],
  )
const { rows } = await pool.query('SELECT count(*)::int AS users FROM users')
console.log(`${rows[0].users} users`)
await pool.end()
