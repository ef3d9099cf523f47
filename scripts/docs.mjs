// Writes docs/reasons.md from src/core/reasons.ts, and the capabilities in docs/test.md from
// src/standin/capabilities.ts. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const root = new URL('..', import.meta.url)

async function load(source) {
  const { outputFiles } = await build({
    entryPoints: [new URL(source, root).pathname],
    bundle: true,
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

const BEGIN = '<!-- Written by `node scripts/docs.mjs` from src/standin/capabilities.ts. -->'
const END = '<!-- End of what is written. -->'

/** The page with what is between the marks made anew. */
function withCapabilities(page, CAPABILITIES) {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error('docs/test.md has lost the marks of the capabilities')
  const lackedBy = one => (typeof one === 'string' ? one : `${one.rung} before ${one.below}`)
  const rows = Object.entries(CAPABILITIES).flatMap(([service, all]) =>
    Object.entries(all).map(
      ([name, one]) =>
        `| ${service} | \`${name}\` | ${one.meaning} | ${one.lackedBy.map(lackedBy).join(', ')} |`,
    ),
  )
  const table = ['| service | capability | meaning | who lacks it |', '|---|---|---|---|', ...rows]
  return `${before}${BEGIN}\n\n${table.join('\n')}\n\n${END}${after}`
}

const [{ REASONS }, { CAPABILITIES }] = await Promise.all(
  ['src/core/reasons.ts', 'src/standin/capabilities.ts'].map(load),
)
const pages = {
  'docs/reasons.md': () => reasonsPage(REASONS),
  'docs/test.md': page => withCapabilities(page, CAPABILITIES),
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
