import { gzipSync } from 'node:zlib'
import { probe } from '../../../src/index.js'
import type { StandInSubject } from './subject.js'

/** Sends one statement after another over HTTP; resolves with the last output, or the error's code. */
async function sql(
  url: string,
  statements: readonly (string | Uint8Array)[],
  parameters = '',
): Promise<string> {
  const { username, password, host, pathname } = new URL(url)
  const headers = { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password }
  let last = ''
  for (const body of statements) {
    const query = `?database=${pathname.slice(1)}${parameters}`
    const encoded = typeof body === 'string' ? {} : { 'Content-Encoding': 'gzip' }
    const all = { ...headers, ...encoded }
    const response = await fetch(`http://${host}/${query}`, { method: 'POST', headers: all, body })
    last = (await response.text()).trim()
    if (!response.ok) return /Code: (\d+)/.exec(last)?.[1] ?? String(response.status)
  }
  return last
}

const says =
  (...statements: readonly string[]) =>
  (url: string) =>
    sql(url, statements)

export const clickhouse: StandInSubject = {
  service: 'clickhouse',
  rungs: ['system-clickhouse', 'container', 'chdb'],
  keep: async (url, name) => void (await sql(url, [`CREATE TABLE ${name} (i Int32) ENGINE = Memory`])),
  has: async (url, name) => (await sql(url, [`EXISTS TABLE ${name}`])) === '1',
  capabilities: {
    'query-parameters': async url => (await sql(url, ['SELECT {n:UInt8} + 1'], '&param_n=41')) === '42',
    'window-functions': async url =>
      (await sql(url, [
        'SELECT max(s) FROM (SELECT sum(number) OVER (ORDER BY number) AS s FROM numbers(5))',
      ])) === '10',
    'json-output': async url => (await sql(url, ['SELECT 1 AS n FORMAT JSONStringsEachRow'])) === '{"n":"1"}',
    concurrency: async url => {
      const began = performance.now()
      await Promise.all([sql(url, ['SELECT sleep(0.8)']), sql(url, ['SELECT sleep(0.8)'])])
      return performance.now() - began < 1_500
    },
    settings: async url =>
      (await sql(url, ['SELECT number FROM numbers(5)'], '&max_result_rows=1&result_overflow_mode=throw')) !==
      '0\n1\n2\n3\n4',
    compression: async url => (await sql(url, [gzipSync('SELECT 41 + 1')])) === '42',
    tls: async url => (await probe(url.replace('clickhouse:', 'clickhouses:'))).ready,
  },
  ordinary: {
    'rows are written and summed up': [
      says(
        'CREATE TABLE t (day Date, n UInt32) ENGINE = MergeTree ORDER BY day',
        `INSERT INTO t VALUES ('2024-01-01', 1), ('2024-01-02', 2)`,
        'SELECT sum(n), max(day) FROM t',
      ),
      '3\t2024-01-02',
    ],
    'rows come as JSON': [
      says('SELECT toUInt8(number) AS n FROM numbers(2) FORMAT JSONEachRow'),
      '{"n":0}\n{"n":1}',
    ],
    'a database can be made and dropped': [says('CREATE DATABASE other', 'DROP DATABASE other'), ''],
    'an unknown table has its code': [says('SELECT * FROM nowhere'), '60'],
    'a wrong password is rejected': [
      async url => /^(193|516)$/.test(await sql(url.replace(/:[^:@]+@/, ':wrong@'), ['SELECT 1'])),
      true,
    ],
  },
}
