/** The one accepted reason to skip where everything is installed: `ctx.skip('platform: needs Linux namespaces')`. */
const excused = ({ why }) => why.startsWith('platform:')

/**
 * What a run of vitest amounts to, by scripts/counts-reporter.mjs's counts (undefined where it wrote none) and
 * vitest's exit status. Every problem is one failure more. Under `strict` a skipped test is a problem.
 */
export function judge(counts, { status, strict }) {
  if (!counts) return { passed: 0, failed: 1, problems: ['vitest ended early'], notes: [] }
  const { passed, failed, broken, unhandled, pending, skipped, interrupted } = counts
  const told = ({ test, why }) => (why ? `${test} (${why})` : test)
  const bad = skip => strict && !excused(skip)
  const problems = [
    ...broken.map(name => `not run to its end: ${name}`),
    ...unhandled.map(message => `not caught: ${message}`),
    ...pending.map(name => `never finished: ${name}`),
    ...skipped.filter(bad).map(skip => `skipped, although everything is installed: ${told(skip)}`),
    ...(interrupted ? ['interrupted'] : []),
    ...(passed + failed === 0 ? ['no test was run'] : []),
  ]
  if (status !== 0 && failed + problems.length === 0) problems.push(`vitest ended with ${status}`)
  const notes = skipped.filter(skip => !bad(skip)).map(skip => `skipped: ${told(skip)}`)
  return { passed, failed: failed + problems.length, problems, notes }
}
