#!/bin/sh
# Fills variables from files, as the images of databases do it: PGPASSWORD_FILE=/run/secrets/x sets PGPASSWORD.
set -eu
for name in DATABASE_URL PGPASSWORD REDIS_URL; do
  eval "file=\${${name}_FILE-}"
  [ -n "$file" ] || continue
  value=$(cat "$file")
  export "$name=$value"
done
exec "$@"
