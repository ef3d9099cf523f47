import { probe } from '../../../src/index.js'
import { run } from '../../support/run.js'
import type { StandInSubject } from './subject.js'

/** Runs statements by the command-line client; resolves with the output, or the number of the error. */
async function sql(url: string, text: string): Promise<string> {
  const { username, password, hostname, port, pathname } = new URL(url)
  const login = [`--host=${hostname}`, `--port=${port}`, `--user=${username}`, pathname.slice(1)]
  const options = [
    '--no-defaults',
    '--protocol=tcp',
    '--batch',
    '--skip-column-names',
    '--skip-ssl',
    '--default-character-set=utf8mb4',
  ]
  const env = { MYSQL_PWD: password }
  const { stdout, stderr } = await run('mariadb', [...options, ...login], { input: text, env })
  return /^ERROR (\d+)/m.exec(stderr)?.[1] ?? stdout.trim()
}

const says = (text: string) => (url: string) => sql(url, text)

const works = (text: string, expected: string) => async (url: string) => (await sql(url, text)) === expected

export const mysql: StandInSubject = {
  service: 'mysql',
  rungs: ['system-mariadb', 'container'],
  keep: async (url, name) => void (await sql(url, `CREATE TABLE ${name} (i INT)`)),
  has: async (url, name) => (await sql(url, `SHOW TABLES LIKE '${name}'`)) === name,
  capabilities: {
    dialect: works(`SELECT date_format('2024-02-29', '%d.%m.%y')`, '29.02.24'),
    concurrency: async url => {
      await sql(url, 'CREATE TABLE w (i INT) ENGINE=InnoDB')
      const write = (n: number) => `BEGIN; INSERT INTO w VALUES (${n}); SELECT sleep(0.3); COMMIT`
      await Promise.all([sql(url, write(1)), sql(url, write(2))])
      return (await sql(url, 'SELECT count(*) FROM w')) === '2'
    },
    authentication: async url => (await sql(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')) === '1045',
    databases: works(
      'CREATE DATABASE apart; CREATE TABLE apart.t (i INT); SELECT count(*) FROM apart.t',
      '0',
    ),
    'json-arrows': works(
      `CREATE TABLE j (d JSON); INSERT INTO j VALUES ('{"a": 1}'); SELECT d->>'$.a' FROM j`,
      '1',
    ),
    'lateral-joins': works('SELECT b.n FROM (SELECT 1 AS n) a JOIN LATERAL (SELECT a.n + 1 AS n) b', '2'),
    'functional-indexes': works('CREATE TABLE f (n INT, INDEX ((n + 1)))', ''),
    'caching-sha2': works(`CREATE USER sha IDENTIFIED WITH caching_sha2_password BY 'secret'`, ''),
    tls: async url => (await probe(`${url}?sslmode=require`)).ready,
  },
  ordinary: {
    'rows are written and come back': [
      says(`CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, note TEXT); INSERT INTO t (note) VALUES ('ä');
            SELECT concat(note, id, length(note)) FROM t`),
      'ä12',
    ],
    'a rollback takes back': [
      says('CREATE TABLE r (i INT); BEGIN; INSERT INTO r VALUES (1); ROLLBACK; SELECT count(*) FROM r'),
      '0',
    ],
    'an upsert updates': [
      says(`CREATE TABLE u (id INT PRIMARY KEY, n INT); INSERT INTO u VALUES (1, 2);
            INSERT INTO u VALUES (1, 3) ON DUPLICATE KEY UPDATE n = n + VALUES(n); SELECT n FROM u`),
      '5',
    ],
    'windows and recursion work': [
      says(`WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 4)
            SELECT sum(n) OVER (ORDER BY n) FROM s ORDER BY n DESC LIMIT 1`),
      '10',
    ],
    'a violated constraint has its number': [
      says('CREATE TABLE c (id INT UNIQUE); INSERT INTO c VALUES (1), (1)'),
      '1062',
    ],
    'a database can be made and dropped': [says('CREATE DATABASE other; USE other; DROP DATABASE other'), ''],
    'a wrong password is rejected': [url => sql(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1'), '1045'],
    'nobody else gets in without one': [url => sql(url.replace(/\w+:[^:@]+@/, 'root:@'), 'SELECT 1'), '1045'],
  },
}
