// Writes rows and reads them back, wherever DATABASE_URL leads.
import pg from 'pg'

const url = process.env.DATABASE_URL
if (!url) {
  console.log(`no database: ${process.env.HOLDFAST_TARGET_POSTGRES_REASON ?? 'DATABASE_URL is not set'}`)
  process.exit(0)
}

const client = new pg.Client({ connectionString: url })
await client.connect()
await client.query(
  'CREATE TABLE IF NOT EXISTS visit (id serial PRIMARY KEY, who text NOT NULL, at timestamptz DEFAULT now())',
)
await client.query('INSERT INTO visit (who) VALUES ($1), ($2)', ['ada', 'grace'])
const { rows } = await client.query("SELECT id, who, to_char(at, 'HH24:MI:SS') AS at FROM visit ORDER BY id")
console.table(rows)
const {
  rows: [server],
} = await client.query("SELECT current_setting('server_version') AS version")
console.log(`wrote and read ${rows.length} rows on PostgreSQL ${server.version}`)
await client.end()
