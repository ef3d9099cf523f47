#!/bin/sh
# A suite in POSIX sh with psql that speaks TAP: holdfast test -- examples/shell/suite.sh
set -u
[ "${HOLDFAST_TARGET_POSTGRES:-}" = skip ] && echo "1..0 # SKIP $HOLDFAST_TARGET_POSTGRES_REASON" && exit 0
: "${DATABASE_URL:?is not set; run: holdfast test -- $0}"

count=0
failed=0

# is NAME EXPECTED SQL: a test, in a transaction of its own that is rolled back.
is() {
  count=$((count + 1))
  found=$(psql -qXAt -v ON_ERROR_STOP=1 "$DATABASE_URL" 2>&1 <<SQL
BEGIN;
CREATE TEMPORARY TABLE account (name text PRIMARY KEY, balance int CHECK (balance >= 0));
INSERT INTO account VALUES ('ada', 100), ('grace', 0);
$3
ROLLBACK;
SQL
)
  case $found in
    *"$2"*) echo "ok $count - $1" ;;
    *)
      failed=$((failed + 1))
      echo "not ok $count - $1"
      echo "$found" | sed 's/^/# /'
      ;;
  esac
}

echo "# postgres: ${HOLDFAST_TARGET_POSTGRES:-not from holdfast}"
is 'a transfer moves money' '70,30' \
  "UPDATE account SET balance = balance + CASE name WHEN 'ada' THEN -30 ELSE 30 END;
   SELECT string_agg(balance::text, ',' ORDER BY name) FROM account;"
is 'nobody gets below zero' 'violates check constraint' \
  "UPDATE account SET balance = balance - 130 WHERE name = 'ada';"
is 'names are unique' 'duplicate key value' \
  "INSERT INTO account VALUES ('ada', 1);"
echo "1..$count"
[ "$failed" -eq 0 ]
