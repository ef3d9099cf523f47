/**
 * `npm run races [-- TRIALS]`: runs each race of test/races so often (100 times by default), with the longer times of
 * a release, and prints how it went. Exit 1 when a single trial went wrong.
 *
 *   --only TEXT   races whose name holds it
 *   --seed N      the delays of an earlier run
 *   --jobs N      trials at the same time (default: one for each two cores)
 */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { createJiti } from 'jiti'
import { run, seconds } from './run.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, seed: { type: 'string' }, jobs: { type: 'string' } },
})
const count = Number(positionals[0] ?? 100)
const seed = Number(values.seed ?? Date.now() % 1e9)
const jobs = Number(values.jobs ?? Math.max(1, Math.floor(availableParallelism() / 2)))

const built = await run(process.execPath, ['scripts/build.mjs', '--no-types'])
if (built.status !== 0) {
  console.error(built.output)
  process.exit(1)
}
const jiti = createJiti(import.meta.url)
const [{ RACES }, { runTrial }, { trialSeed }] = await Promise.all(
  ['all', 'race', 'random'].map(name => jiti.import(`../test/races/${name}.ts`)),
)
const races = RACES.filter(({ name }) => name.includes(values.only ?? ''))

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]
const ms = value => (value === undefined ? '–' : value.toFixed(0))

/** The trials of one race, `jobs` of them at a time. */
async function trialsOf(race) {
  const trials = []
  let next = 0
  const work = async () => {
    while (next < count) {
      const n = next++
      const trial = await runTrial(race, trialSeed(seed, race.name, n), true).catch(error => ({
        releasedRight: false,
        firstConnectionOk: false,
        story: error.stack,
      }))
      trials.push(trial)
      if (!trial.releasedRight || trial.firstConnectionOk === false)
        console.log(`FAILED ${race.name}, trial ${n}: ${trial.story}`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return trials
}

function row({ name, since }, trials) {
  const asked = trials.filter(({ firstConnectionOk }) => firstConnectionOk !== null)
  const late = trials.flatMap(({ releaseMs }) => releaseMs ?? []).sort((a, b) => a - b)
  const part = (some, all) => (all === 0 ? '–' : `${some}/${all}`)
  return [
    name,
    String(trials.length),
    part(trials.filter(({ releasedRight }) => releasedRight).length, trials.length),
    part(asked.filter(({ firstConnectionOk }) => firstConnectionOk).length, asked.length),
    ms(quantile(late, 0.5)),
    ms(quantile(late, 0.95)),
    ms(late.at(-1)),
    since,
  ]
}

const HEAD = ['race', 'trials', 'released right', 'first connection ok', 'median', 'p95', 'max ms', 'after']
const widths = HEAD.map((title, i) =>
  Math.max(title.length, ...(i === 0 ? RACES.map(({ name }) => name.length) : [])),
)
const line = cells =>
  cells.map((cell, i) => (i > 0 && i < 7 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ')

const begun = performance.now()
console.log(`seed ${seed}, ${jobs} at a time\n${line(HEAD)}`)
for (const race of races) {
  const trials = await trialsOf(race)
  console.log(line(row(race, trials)))
  if (trials.some(one => !one.releasedRight || one.firstConnectionOk === false)) process.exitCode = 1
}
if (races.length === 0) {
  console.error(`no race is called "${values.only}"`)
  process.exitCode = 64
}
// Node 20 sometimes spins in its own tear-down of handles.
process.stdout.write(`${seconds(performance.now() - begun)}\n`, () => process.exit())
