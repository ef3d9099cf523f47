// Writes docs/reasons.md from the table in src/core/reasons.ts. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs'
import { build } from 'esbuild'

const root = new URL('..', import.meta.url)
const file = new URL('docs/reasons.md', root)

const { outputFiles } = await build({
  entryPoints: [new URL('src/core/reasons.ts', root).pathname],
  bundle: true,
  format: 'esm',
  write: false,
})
const { REASONS } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
)

const absent = { yes: 'yes, while nothing was heard', 'after-wait': 'once the wait is used up', no: 'no' }
const rows = Object.entries(REASONS).map(
  ([id, one]) =>
    `| \`${id}\` | ${one.meaning} | ${one.heals} | ${one.retry} | ${absent[one.absent]} | ${one.http} | ${one.severity} | ${one.next} |`,
)
const text = `# The table of reasons

Every verdict that is not "ready" has one of these reasons. Written by \`node scripts/docs.mjs\` from
\`src/core/reasons.ts\`.

- **heals**: will waiting help? \`never\` ends a wait after \`--grace\`; \`slowly\` keeps it going at a slow pace.
- **retry**: is repeating safe? Not the same question.
- **absent**: may a test suite descend to a stand-in?

| reason | meaning | heals | retry | absent | HTTP | severity | what to do next |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('docs/reasons.md is not what src/core/reasons.ts says; run: node scripts/docs.mjs')
    process.exit(1)
  }
} else {
  writeFileSync(file, text)
}
