import { mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { holdfast } from '../support/cli.js'
import { type Script, startPeer } from '../support/peer.js'
import { answers, redis } from '../support/peers.js'
import { postgres, postgresError } from '../support/pgpeers.js'
import { tempFolder } from '../support/root.js'
import { OBEYED, parseXml } from './documents.js'

const EVIL =
  '\x1b[31mred\x1b[0m\x1b]0;title\x07 50% | `tick` <b>&"\r\n::error title=x::injected\n::set-output name=a::b\u202e\x00'

/** Runs a wait against a peer of this kind in every form, and returns all that was written. */
async function outputsOf(script: Script, scheme: string, args: string[] = []) {
  const peer = await startPeer(script)
  const folder = mkdtempSync(join(tempFolder('outputs'), 'one-'))
  const [junit, summary] = [join(folder, 'junit.xml'), join(folder, 'summary.md')]
  const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary }
  const run = (...more: string[]) =>
    holdfast(['wait', peer.url(scheme), '--grace', '0', '--timeout', '400ms', ...args, ...more], { env })
  const [text, json, ndjson] = await Promise.all([
    run('-v', '--junit', junit),
    run('--json'),
    run('--format', 'ndjson'),
  ]).finally(() => peer.close())
  return { text, json, ndjson, junit: readFileSync(junit, 'utf8'), summary: readFileSync(summary, 'utf8') }
}

const HOSTS: readonly [string, string, Script][] = [
  [
    'an error of a PostgreSQL',
    'postgres',
    postgresError({ code: '53300', message: EVIL, detail: EVIL, routine: 'x' }),
  ],
  ['an error of a Redis', 'redis', redis(() => `-ERR ${EVIL.replaceAll(/[\r\n]/g, ' ')}\r\n`)],
  ['a status line', 'http', answers('HTTP/1.1 503 \x1b[31mred ::error::x\x07\r\nContent-Length: 0\r\n\r\n')],
  ['no protocol at all', 'redis', answers(EVIL)],
]

describe('what a server says is shown, and never obeyed', () => {
  test.concurrent.each(HOSTS)('%s', async (_, scheme, script) => {
    const { text, json, ndjson, junit, summary } = await outputsOf(script, scheme)
    for (const output of [text.stderr, json.stdout, ndjson.stdout, junit, summary])
      expect(output).not.toMatch(OBEYED)
    // One annotation, at the beginning of its line, and nothing that a server put there.
    const commands = text.stderr.split('\n').filter(line => line.trimStart().startsWith('::'))
    expect(commands).toHaveLength(1)
    expect(commands[0]).toMatch(/^::error title=holdfast%3A \w+%3A [\w-]+::/)
    const values = JSON.stringify(JSON.parse(json.stdout))
    expect(values).not.toMatch(/\\u001b|\\u0007|\\u0000|\\n|\\r/)
    parseXml(junit)
    // Four lines of Markdown: title, head, rule, one row.
    expect(summary.trimEnd().split('\n').filter(Boolean)).toHaveLength(12)
  })

  test.concurrent('the version of a server that is ready', async ({ expect }) => {
    const script = postgres({ parameters: { server_version: '15\x1b[2J\x07|`x`' } })
    const { text, json, summary } = await outputsOf(script, 'postgres', ['--until', 'auth'])
    expect(text.status).toBe(0)
    for (const output of [text.stderr, json.stdout, summary]) expect(output).not.toMatch(OBEYED)
  })

  test.concurrent('what a command says last', async ({ expect }) => {
    const command = `exec:printf '\\033[31mred\\007 ::error::x' >&2; exit 1`
    const { stderr } = await holdfast(['wait', command, '--timeout', '200ms'])
    expect(stderr).not.toMatch(OBEYED)
    expect(stderr).toContain('the command exited with 1: red')
  })
})

describe('on GitHub', () => {
  const evil = postgresError({ code: '53300', message: '100% of a, b: full\n::error::x', routine: 'x' })

  test.concurrent('percent signs are escaped, and colons and commas in properties', async ({ expect }) => {
    const { text } = await outputsOf(evil, 'postgres')
    const [line = ''] = text.stderr.split('\n').filter(one => one.startsWith('::'))
    expect(line).toMatch(
      /^::error title=holdfast%3A postgres%3A too-many-connections::postgres:\/\/app:\*\*\*@/,
    )
    expect(line).toContain('100%25 of a, b: full')
    expect(line).toContain(" → Compare pool size times processes with the server's limit.")
  })

  test.concurrent('each failed target has an annotation, and a ready one has none', async ({ expect }) => {
    const targets = ['ok=exec:true', 'one=exec:exit 1', 'two=exec:exit 2']
    const env = { GITHUB_ACTIONS: 'true' }
    const { stderr } = await holdfast(['wait', ...targets, '--timeout', '200ms'], { env })
    const titles = [...stderr.matchAll(/^::error title=(.*?)::/gm)].map(([, title]) => title)
    expect(titles).toEqual(['holdfast%3A one%3A unmet', 'holdfast%3A two%3A unmet'])
  })

  test.concurrent('there is none where all is well, and none elsewhere unless --format github', async ({
    expect,
  }) => {
    const fine = await holdfast(['wait', 'exec:true'], { env: { GITHUB_ACTIONS: 'true' } })
    const elsewhere = await holdfast(['wait', 'exec:false', '--timeout', '200ms'])
    const asked = await holdfast(['wait', 'exec:false', '--timeout', '200ms', '--format', 'github'])
    expect([fine, elsewhere, asked].map(({ stderr }) => /^::/m.test(stderr))).toEqual([false, false, true])
  })

  test.concurrent('the summary is a table that what a server says cannot leave', async ({ expect }) => {
    const { summary } = await outputsOf(
      postgresError({ code: '53300', message: 'a | b <i> `c` \\| d', routine: 'x' }),
      'postgres',
    )
    const [title, head, rule, row] = summary.split('\n').filter(Boolean)
    expect(title).toMatch(/^### holdfast: not ready after /)
    const cells = (line = '') => line.split(/(?<!\\)(?:\\\\)*\|/).length
    expect([cells(rule), cells(row)]).toEqual([cells(head), cells(head)])
    expect(row).toContain('a \\| b &lt;i>')
  })

  test.concurrent('the summary is only written there, and its absence is no failure', async ({ expect }) => {
    const file = join(tempFolder('summary'), 'summary.md')
    await holdfast(['wait', 'exec:true'], { env: { GITHUB_STEP_SUMMARY: file } })
    expect(() => readFileSync(file)).toThrow('ENOENT')
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: '/no/such/folder/summary.md' }
    expect((await holdfast(['wait', 'exec:true'], { env })).status).toBe(0)
    const { status } = await holdfast(['wait', 'exec:true'], { env: { ...env, GITHUB_STEP_SUMMARY: file } })
    expect([status, readFileSync(file, 'utf8')]).toEqual([
      0,
      expect.stringContaining('### holdfast: ready after'),
    ])
  })
})

describe('--junit', () => {
  const reportOf = async (...args: string[]) => {
    const file = join(tempFolder('junit'), 'report.xml')
    const result = await holdfast(['wait', ...args, '--junit', file, '--timeout', '200ms'])
    return { ...result, suite: parseXml(readFileSync(file, 'utf8')) }
  }

  test.concurrent('counts its cases, failures and times', async ({ expect }) => {
    const { status, suite } = await reportOf('ok=exec:true', 'no=exec:echo "<&>" >&2; exit 3')
    expect(status).toBe(69)
    expect(suite).toMatchObject({
      name: 'testsuite',
      attributes: { name: 'holdfast wait', tests: '2', failures: '1', errors: '0', skipped: '0' },
    })
    expect(Number(suite.attributes.time)).toBeGreaterThanOrEqual(0.199)
    const [ok, no] = suite.children
    expect(ok).toMatchObject({ attributes: { name: 'ok', classname: 'holdfast.wait' }, children: [] })
    expect(no?.children[0]).toMatchObject({
      name: 'failure',
      attributes: { type: 'unmet', message: 'the command exited with 3: <&>' },
    })
    expect(no?.children[0]?.text).toContain('It is run again until it exits with 0.')
  })

  test.concurrent('has no failure where the wait has not failed', async ({ expect }) => {
    const { status, suite } = await reportOf('--any', 'ok=exec:true', 'no=exec:false')
    expect(status).toBe(0)
    expect(suite.attributes).toMatchObject({ tests: '2', failures: '0', skipped: '1' })
  })

  test.concurrent('is written beside the other formats', async ({ expect }) => {
    const { stdout, suite } = await reportOf('--json', 'exec:true')
    expect(JSON.parse(stdout)).toMatchObject({ ok: true })
    expect(suite.attributes.tests).toBe('1')
  })
})
