#!/bin/sh
# The official image runs it once, when it makes the database: the shop's own role and its database, which is all that
# the role owns. Its password is in SHOP_PASSWORD, or in the file that SHOP_PASSWORD_FILE names.
set -eu
[ -z "${SHOP_PASSWORD_FILE-}" ] || SHOP_PASSWORD=$(cat "$SHOP_PASSWORD_FILE")
export SHOP_PASSWORD="${SHOP_PASSWORD:?is not set, and SHOP_PASSWORD_FILE is not set either}"
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<'SQL'
\getenv password SHOP_PASSWORD
CREATE ROLE shop LOGIN PASSWORD :'password';
CREATE DATABASE shop OWNER shop;
SQL
