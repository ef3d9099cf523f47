// Writes docs/reasons.md from src/core/reasons.ts, the capabilities in docs/test.md from
// src/standin/capabilities.ts, and the rules in docs/check.md from src/start/rules. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const root = new URL('..', import.meta.url)

async function load(source) {
  const { outputFiles } = await build({
    entryPoints: [new URL(source, root).pathname],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`)
}

function reasonsPage(REASONS) {
  const absent = { yes: 'yes, while nothing was heard', 'after-wait': 'once the wait is used up', no: 'no' }
  const rows = Object.entries(REASONS).map(
    ([id, one]) =>
      `| \`${id}\` | ${one.meaning} | ${one.heals} | ${one.retry} | ${absent[one.absent]} | ${one.http} | ${one.severity} | ${one.next} |`,
  )
  return `# The table of reasons

Every verdict that is not "ready" has one of these reasons. Written by \`node scripts/docs.mjs\` from
\`src/core/reasons.ts\`.

- **heals**: will waiting help? \`never\` ends a wait after \`--grace\`; \`slowly\` keeps it going at a slow pace.
- **retry**: is repeating safe? Not the same question.
- **absent**: may a test suite descend to a stand-in?

| reason | meaning | heals | retry | absent | HTTP | severity | what to do next |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}

const begin = source => `<!-- Written by \`node scripts/docs.mjs\` from ${source}. -->`
const END = '<!-- End of what is written. -->'

/** The page with what is between the marks made anew. */
function between(page, source, lines) {
  const [before, rest] = page.split(begin(source))
  const [, ...after] = rest?.split(END) ?? []
  if (after.length === 0) throw new Error(`a page has lost the marks of ${source}`)
  return `${before}${begin(source)}\n\n${lines.join('\n')}\n\n${END}${after.join(END)}`
}

function withCapabilities(page, CAPABILITIES) {
  const lackedBy = one => (typeof one === 'string' ? one : `${one.rung} before ${one.below}`)
  const rows = Object.entries(CAPABILITIES).flatMap(([service, all]) =>
    Object.entries(all).map(
      ([name, one]) =>
        `| ${service} | \`${name}\` | ${one.meaning} | ${one.lackedBy.map(lackedBy).join(', ')} |`,
    ),
  )
  const head = ['| service | capability | meaning | who lacks it |', '|---|---|---|---|']
  return between(page, 'src/standin/capabilities.ts', [...head, ...rows])
}

function withRules(page, RULES) {
  const head = ['| id | level | what is wrong | why, and when it is less |', '|---|---|---|---|']
  const table = stage =>
    RULES.filter(rule => rule.stage === stage).map(
      ({ id, level, title, why }) => `| \`${id}\` | ${level} | ${title} | ${why} |`,
    )
  const lines = [
    '### Always',
    '',
    ...head,
    ...table('config'),
    '',
    '### With `--deploy`',
    '',
    ...head,
    ...table('deploy'),
  ]
  return between(page, 'src/start/rules', lines)
}

const [{ REASONS }, { CAPABILITIES }, { RULES }] = await Promise.all(
  ['src/core/reasons.ts', 'src/standin/capabilities.ts', 'src/start/rules/all.ts'].map(load),
)
const pages = {
  'docs/reasons.md': () => reasonsPage(REASONS),
  'docs/test.md': page => withCapabilities(page, CAPABILITIES),
  'docs/check.md': page => withRules(page, RULES),
}

for (const [path, make] of Object.entries(pages)) {
  const file = new URL(path, root)
  const held = readFileSync(file, 'utf8')
  const made = make(held)
  if (!process.argv.includes('--check')) writeFileSync(file, made)
  else if (held !== made) {
    console.error(`${path} is not what the sources say; run: node scripts/docs.mjs`)
    process.exitCode = 1
  }
}
