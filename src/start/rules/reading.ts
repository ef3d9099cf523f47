import type { Rule } from '../rule.js'
import type { Checked } from '../subject.js'

/** What was found while the subject was read: the reader knows it, the rule explains it. */
const foundAs = (id: string) => (subject: Checked) => subject.problems.filter(problem => problem.id === id)

export const reading: readonly Rule[] = [
  {
    id: 'config-invalid',
    stage: 'config',
    level: 'error',
    title: 'the configuration file cannot be used',
    why: 'Types, ranges, unknown keys: every verb stops at such a file, and a key that is misspelt says nothing otherwise. It cannot be silenced.',
    advice: 'Correct the key in the file; docs/configuration.md lists all of them.',
    bad: { config: 'targets:\n  db:\n    url: postgres://app@localhost/app\n    untill: schema\n' },
    good: { config: 'targets:\n  db:\n    url: postgres://app@localhost/app\n    until: auth\n' },
    check: foundAs('config-invalid'),
  },
  {
    id: 'target-invalid',
    stage: 'config',
    level: 'error',
    title: 'a target cannot be parsed, or cannot be asked what is expected of it',
    why: 'No verb can reach it. It cannot be silenced.',
    advice: 'Correct the address where it is set.',
    bad: { config: 'targets:\n  db: postgres://app@localhost:54x2/app\n' },
    good: { config: 'targets:\n  db: postgres://app@localhost:5432/app\n' },
    check: foundAs('target-invalid'),
  },
  {
    id: 'reference-unset',
    stage: 'config',
    level: 'error',
    title: 'env:VARIABLE refers to a variable that is not set, or empty',
    why: 'The target has no address. It cannot be silenced.',
    advice: 'Set the variable, or correct its name.',
    bad: { config: 'targets:\n  db: env:DATABASE_URL\n' },
    good: {
      config: 'targets:\n  db: env:DATABASE_URL\n',
      env: { DATABASE_URL: 'postgres://app@localhost/app' },
    },
    check: foundAs('reference-unset'),
  },
  {
    id: 'silence-unknown',
    stage: 'config',
    level: 'error',
    title: 'check.silence names no rule, or one that cannot be silenced, or gives no reason',
    why: 'A finding that is silenced by a misspelt name fails all the same, and one without a reason cannot be judged by the next reader. It cannot be silenced.',
    advice: 'Write ID: REASON, with an id that docs/check.md lists.',
    bad: { config: 'check:\n  silence:\n    tls-of: inside one host\n' },
    good: { config: 'check:\n  silence:\n    tls-off: inside one host\n' },
    check: foundAs('silence-unknown'),
  },
  {
    id: 'option-invalid',
    stage: 'config',
    level: 'error',
    title: 'a HOLDFAST_ variable holds what its option does not take',
    why: 'Every verb that has the option ends with a usage error.',
    advice: 'Correct the variable; holdfast VERB --help shows what its option takes.',
    bad: { env: { HOLDFAST_TIMEOUT: 'soon' } },
    good: { env: { HOLDFAST_TIMEOUT: '90s' } },
    check: foundAs('option-invalid'),
  },
  {
    id: 'option-unknown',
    stage: 'config',
    level: 'warning',
    title: 'a HOLDFAST_ variable that nothing reads',
    why: 'What it should change stays as it is, without a word.',
    advice: 'Correct its name, or remove it.',
    bad: { env: { HOLDFAST_TIMOUT: '90s' } },
    good: { env: { HOLDFAST_TIMEOUT: '90s' } },
    check: foundAs('option-unknown'),
  },
  {
    id: 'no-target',
    stage: 'config',
    level: 'warning',
    title: 'nothing names a target',
    why: 'Rules about addresses had nothing to look at. It is no error: an image may be checked before anybody says where it will run.',
    advice: 'Set DATABASE_URL or PGHOST, write holdfast.config.yaml, or give a target as an argument.',
    bad: {},
    good: { env: { DATABASE_URL: 'postgres://app@localhost/app' } },
    *check({ targets, problems }) {
      const failed = problems.some(({ id }) =>
        /^(config-invalid|target-invalid|reference-unset|variable-invalid)$/.test(id),
      )
      if (targets.length === 0 && !failed)
        yield { message: 'no argument, no configuration and no variable of the environment names a target' }
    },
  },
]
