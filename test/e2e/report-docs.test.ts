/** What the pages about journal and report show can be pasted. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { report } from '../../src/cli/verbs/report.js'
import { MAKE } from '../../src/journal/sql.js'
import { holdfast } from '../support/cli.js'
import { tempFolder } from '../support/root.js'
import { run } from '../support/run.js'
import { sharedPostgres } from '../support/shared.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = (name: string) => readFileSync(join(root, name), 'utf8')
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code = '']) => code)

/** A project, and what its shards left, each with a skip. */
function project(): string {
  const cwd = tempFolder('project')
  writeFileSync(join(cwd, 'package.json'), '{}')
  const record = {
    v: 1,
    at: new Date().toISOString(),
    kind: 'decision',
    run: '1',
    ci: false,
    host: 'h',
    pid: 1,
    suite: 'a',
    service: 'postgres',
    decision: 'skip',
    reason: 'connection-refused',
  }
  for (const folder of ['.', 'shard-1', 'shard-2']) {
    const journal = join(cwd, folder, '.holdfast', 'journal')
    mkdirSync(journal, { recursive: true })
    writeFileSync(join(journal, '2026-03-01.ndjson'), `\n${JSON.stringify(record)}\n{"v":1,\n`)
  }
  return cwd
}

const written = [page('docs/report.md'), page('docs/journal.md'), page('README.md')]
  .flatMap(text => [...blocks(text, 'sh'), ...blocks(text, 'yaml')])
  .concat(report.text.examples.map(([, command]) => command))
const commands = written.flatMap(code =>
  [...code.matchAll(/holdfast (report[^#\n]*)/g)].map(([, line = '']) => line.trim()),
)

test('every command line of holdfast report in the pages and the help is understood', async () => {
  expect(commands.length).toBeGreaterThan(10)
  const cwd = project()
  const ends = await Promise.all(
    commands.map(async line => {
      const { status, stderr } = await holdfast(line.split(' '), {
        cwd,
        env: { JOURNAL_URL: sharedPostgres().url() },
      })
      return [line, status === 0 || status === 1 ? 'understood' : `${status}: ${stderr}`]
    }),
  )
  expect(ends).toEqual(commands.map(line => [line, 'understood']))
})

test('the jq line of the journal’s page passes over what a crash left', async () => {
  const [line = 'exit 9'] = blocks(page('docs/journal.md'), 'sh')
  const { status, stdout } = await run('sh', ['-c', line], { cwd: project() })
  expect([status, JSON.parse(stdout)]).toEqual([
    0,
    { suite: 'a', service: 'postgres', reason: 'connection-refused' },
  ])
})

test('the table of the page is the one that is made, and its statements run', async () => {
  const [table, queries = ''] = blocks(page('docs/journal.md'), 'sql')
  expect(MAKE).toContain(table?.trim())
  const database = `journal_docs_${process.pid}`
  await sharedPostgres().sql(`CREATE DATABASE ${database} OWNER app`)
  await sharedPostgres().sql(`${table};${queries}`, database)
  await sharedPostgres().sql(`DROP DATABASE ${database} WITH (FORCE)`)
})
