import { describe, expect, test } from 'vitest'
import { RACES } from './all.js'
import { runTrial, type Trial } from './race.js'
import { trialSeed } from './random.js'

/** How often each race is run here; `npm run races` runs it a hundred times and measures. */
const TRIALS = 5

const seed = Number(process.env.HOLDFAST_RACES_SEED ?? Date.now() % 1e9)

/** Later than this is no question of a busy machine but of a gate that polls too slowly. */
const LATE_MS = 1_000

const outcome = ({ releasedRight, firstConnectionOk }: Trial) => releasedRight && firstConnectionOk !== false

describe(`with HOLDFAST_RACES_SEED=${seed}`, () => {
  test.each(RACES.map(race => [race.name, race.trials ?? TRIALS, race] as const))(
    '%s: each of %i is released right',
    async (name, count, race) => {
      const seeds = Array.from({ length: count }, (_, n) => trialSeed(seed, name, n))
      const trials = await Promise.all(seeds.map(one => runTrial(race, one)))
      expect(trials.filter(trial => !outcome(trial)).map(trial => trial.story)).toEqual([])
      expect(trials.filter(trial => (trial.releaseMs ?? 0) > LATE_MS)).toEqual([])
    },
  )
})
