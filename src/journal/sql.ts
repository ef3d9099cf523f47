import { sqlLiteral } from '../core/quoting.js'
import type { Entry } from './entry.js'

/** For pg_advisory_xact_lock: "hold", "jrnl" in ASCII. */
const LOCK = '1752132708, 1785884268'

/** One message is one transaction: two that make the table at the same time would fail in the catalog. */
export const MAKE = `SELECT pg_advisory_xact_lock(${LOCK});
CREATE TABLE IF NOT EXISTS holdfast_journal (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  run text NOT NULL,
  record jsonb NOT NULL
);
CREATE INDEX IF NOT EXISTS holdfast_journal_at ON holdfast_journal (at);
CREATE INDEX IF NOT EXISTS holdfast_journal_run ON holdfast_journal (run)`

export const EXISTS = `SELECT to_regclass('holdfast_journal') IS NOT NULL`

/** Repeating it is safe: each record has its id. An E'' literal reads backslashes the same under every setting. */
export function insertion(records: readonly Entry[]): string {
  const json = sqlLiteral(JSON.stringify(records).replaceAll('\\', '\\\\'))
  return `INSERT INTO holdfast_journal (id, at, run, record)
SELECT (r->>'id')::uuid, (r->>'at')::timestamptz, r->>'run', r FROM jsonb_array_elements(E${json}::jsonb) AS r
ON CONFLICT DO NOTHING`
}

/** Where the next page begins: the last row's time as the session writes it, and its id. */
export interface Key {
  readonly at: string
  readonly id: string
}

/** Records on a page: with the largest ones still below what a message may have. */
export const PAGE = 1000

/** One row of three: the page's records, one a line, and the key of its last. */
export function page(sinceMs: number | undefined, after: Key | undefined): string {
  const from = sinceMs === undefined ? [] : [`at >= to_timestamp(${sinceMs / 1000})`]
  const next = after
    ? [`(at, id) > (${sqlLiteral(after.at)}::timestamptz, ${sqlLiteral(after.id)}::uuid)`]
    : []
  const where = [...from, ...next].join(' AND ')
  return `SELECT string_agg(record::text, chr(10)), max(at)::text, (array_agg(id ORDER BY at DESC, id DESC))[1]
FROM (SELECT at, id, record FROM holdfast_journal ${where && `WHERE ${where}`} ORDER BY at, id LIMIT ${PAGE}) AS page`
}
