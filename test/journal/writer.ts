/** Appends records `from` to `to` of `writer` to the journal HOLDFAST_JOURNAL, and tells each that was kept. */
import { writeSync } from 'node:fs'
import { journalFor } from '../../src/testing/journal.js'
import { idOf } from './ids.js'

const [writer = 0, from = 0, to = 0, window = 1] = process.argv.slice(2).map(Number)
const journal = journalFor({ config: {}, cwd: process.cwd() }, process.env, {
  warn: text => process.stderr.write(`${text}\n`),
})

let next = from
async function append(): Promise<void> {
  while (next < to) {
    const n = next++
    const kept = await journal.append({
      v: 1,
      id: idOf(writer, n),
      at: new Date().toISOString(),
      kind: 'decision',
      run: 'torture',
      ci: false,
      host: 'here',
      pid: process.pid,
      suite: `suite-${n % 100}`,
      test: 'x'.repeat(n % 300),
      service: 'postgres',
      decision: 'real',
    })
    if (kept) writeSync(1, `${n}\n`)
  }
}

await Promise.all(Array.from({ length: window }, append))
await journal.close()
