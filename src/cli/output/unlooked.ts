import type { Served } from '../../testing/served.js'
import type { Paint } from './paint.js'

const MADE = ['real', 'stand-in', 'skip', 'fail'] as const

/** The table of `holdfast test` where nothing was there to be looked at: what was decided of each. */
export function unlooked(served: readonly Pick<Served, 'name' | 'choice'>[], paint: Paint): string {
  const width = Math.max(...['target', ...served.map(one => one.name)].map(name => name.length))
  const rows = served.map(({ name, choice: { decision } }) =>
    (decision === 'fail' ? paint.bad : paint.warn)(`  ${name.padEnd(width)}  ${decision}`),
  )
  const counts = MADE.flatMap(made => {
    const its = served.filter(one => one.choice.decision === made)
    return its.length > 0 ? [`${its.length} ${made}`] : []
  })
  const end = paint.warn(`holdfast: no server to look at: ${counts.join(', ')}`)
  return `${[paint.dim(`  ${'target'.padEnd(width)}  decision`), ...rows, end].join('\n')}\n`
}
