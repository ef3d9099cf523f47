#!/bin/sh
# Waits for what DATABASE_URL, REDIS_URL, PG* or DB_* name, then becomes the server.
set -eu
holdfast wait --timeout "${WAIT_TIMEOUT:-2m}"
exec "$@"
