#!/bin/sh
# The same in a shell: psql takes the address as it is.
set -eu
if [ -z "${DATABASE_URL:-}" ]; then
  echo "no database: ${HOLDFAST_TARGET_POSTGRES_REASON:-DATABASE_URL is not set}"
  exit 0
fi
psql -v ON_ERROR_STOP=1 -qX "$DATABASE_URL" <<'SQL'
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS visit (id serial PRIMARY KEY, who text NOT NULL);
INSERT INTO visit (who) VALUES ('ada'), ('grace');
SELECT * FROM visit ORDER BY id;
SQL
echo "wrote and read $(psql -qXAt "$DATABASE_URL" -c 'SELECT count(*) FROM visit') rows"
