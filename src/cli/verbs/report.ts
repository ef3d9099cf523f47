import type { VerbEntry } from './entry.js'

export const report: VerbEntry = {
  verb: {
    name: 'report',
    command: 'none',
    options: {
      since: { kind: 'text', value: 'WHEN' },
      run: { kind: 'text', value: 'RUN', flagOnly: true },
      by: { kind: { choice: ['service', 'suite', 'run', 'reason'] }, value: 'WHAT', flagOnly: true },
      'max-skip-rate': { kind: 'list', value: '[SERVICE=]PERCENT' },
      'max-stand-in-rate': { kind: 'list', value: '[SERVICE=]PERCENT' },
      require: { kind: 'list', value: 'NAME[,NAME]', flagOnly: true },
    },
    example: 'holdfast report --max-skip-rate 10%',
  },
  run: async call => (await import('../report.js')).reportVerb(call),
  text: {
    summary: 'sums up what tests ran on: real services, stand-ins, skips, and holds it to limits',
    usage: 'holdfast report [OPTIONS] [JOURNAL…]',
    options: {
      since: ['only what is younger than this (7d, 12h), or of this day on (2026-03-01)'],
      run: ['the id of a run, last or all', 'last'],
      by: ['what the table is by: service, suite, run or reason', 'service'],
      'max-skip-rate': ['more skips than this fail; repeatable'],
      'max-stand-in-rate': ['more stand-ins than this fail; repeatable'],
      require: [
        'every decision about this service or target (or all) must be real, and there must be one; repeatable',
      ],
    },
    examples: [
      ['what the last run of the tests ran on', 'holdfast report'],
      [
        'in CI: no more than a tenth may skip, and nothing on postgres',
        'holdfast report --max-skip-rate 10% --max-skip-rate postgres=0%',
      ],
      ['everything ran on the real database', 'holdfast report --require postgres'],
      ['why suites skipped in the last week', 'holdfast report --since 7d --run all --by reason'],
      [
        'the shards of a pipeline, from their artefacts',
        'holdfast report --run all shard-1/.holdfast shard-2/.holdfast',
      ],
      ['a journal that a team shares', 'holdfast report env:JOURNAL_URL'],
    ],
  },
}
