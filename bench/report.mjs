import { execFileSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import process from 'node:process'

/** A result: { title, conditions, columns, rows: [name, ...cells][], goals: { text, met }[] } */
export function print({ title, conditions, columns, rows, goals }) {
  const table = [['', ...columns], ...rows.map(row => row.map(show))]
  const widths = table[0].map((_, i) => Math.max(...table.map(row => String(row[i] ?? '').length)))
  console.log(`\n${title}\n${conditions}\n`)
  for (const row of table)
    console.log(
      row
        .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell ?? '').padStart(widths[i])))
        .join('  ')
        .trimEnd(),
    )
  for (const { text, met } of goals) console.log(`${met ? 'met   ' : 'MISSED'} ${text}`)
}

const show = cell => (typeof cell === 'number' ? String(Number(cell.toFixed(1))) : (cell ?? '–'))

const first = (file, ...args) => {
  try {
    return execFileSync(file, args, { encoding: 'utf8' }).trim().split('\n')[0]
  } catch {
    return `no ${file}`
  }
}

export function document(results) {
  const load = loadavg()[0].toFixed(1)
  const head = [
    '# Benchmarks',
    '',
    'Written by `npm run bench -- --write`. All programs of a table were run in turn, in one run. Trust the ratios.',
    '',
    `${new Date().toISOString().slice(0, 10)} · Node ${process.version} · ${first('postgres', '--version').startsWith('no ') ? first('psql', '--version') : first('postgres', '--version')} · ${cpus().length} × ${cpus()[0]?.model ?? 'processor'} · load at the end ${load}`,
  ]
  const parts = results.map(({ title, conditions, columns, rows, goals }) =>
    [
      `## ${title}`,
      '',
      conditions,
      '',
      `| | ${columns.join(' | ')} |`,
      `|---|${columns.map(() => '--:|').join('')}`,
      ...rows.map(row => `| ${row.map(show).join(' | ')} |`),
      ...(goals.length > 0
        ? ['', ...goals.map(({ text, met }) => `- ${met ? 'Met' : '**Missed**'}: ${text}`)]
        : []),
    ].join('\n'),
  )
  return `${[head.join('\n'), ...parts].join('\n\n')}\n`
}
