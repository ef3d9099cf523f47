import type { Played } from './play.js'
import type { Runner } from './runner.js'
import type { Way } from './ways.js'

/** How long one look at a service holds, in milliseconds. */
const HOLDS_MS = 30_000

/** What went otherwise than promised, as sentences; none is good. */
export function broken(runner: Runner, way: Way, files: number, played: Played): string[] {
  const { expected, says, exitStatus } = way
  const { status, cases, output, probes, refused, sessions, ms } = played
  const up = way.name === 'up'
  const inRunner = runner.decides === 'inside'
  const all = cases.length === files && cases.every(one => one.state === expected)
  const promises: [boolean, string][] = [
    [expected === 'failed' ? status !== 0 : status === 0, `the exit status is ${status}`],
    [inRunner || status === (exitStatus ?? 0), `holdfast's exit status is ${status}`],
    [
      expected === 'failed' ? cases.length === 0 : all,
      expected === 'failed'
        ? `files began: ${tally(played)}`
        : `not every file was ${expected}: ${tally(played)}`,
    ],
    [!says || says.test(output) || cases.some(one => says.test(one.text)), 'nothing says why'],
    [
      expected !== 'skipped' || (cases.every(one => says?.test(one.text)) && says?.test(output) === true),
      'the reason of the skips is not in the reporter and in JUnit',
    ],
    [
      probes >= (up ? 1 : 0) && probes <= (up ? 1 + Math.floor(ms / HOLDS_MS) : 0),
      `the server saw ${probes} probes`,
    ],
    [sessions === (up ? files : 0), `the server saw ${sessions} sessions`],
    [refused === (way.name === 'wrong password' ? 1 : 0), `the server refused ${refused} logins`],
  ]
  return promises.filter(([kept]) => !kept).map(([, what]) => what)
}

export const tally = ({ passed, failed, skipped }: Played): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`
