import type { OptionTable, Verb } from './call.js'

const FORMATS = ['text', 'json', 'ndjson', 'github']

/** Options that every verb has. */
export const COMMON: OptionTable = {
  config: {
    kind: 'text',
    short: 'c',
    value: 'FILE',
  },
  json: { kind: 'flag' },
  format: { kind: { choice: FORMATS }, value: 'FORMAT' },
  junit: { kind: 'text', value: 'FILE' },
  quiet: { kind: 'flag', short: 'q' },
  verbose: { kind: 'flag', short: 'v' },
  help: { kind: 'flag', short: 'h' },
}

/** Options that make no sense together. A variable gives way to an option; two options are an error. */
export const CONTRADICTIONS: readonly (readonly [one: string, others: readonly string[]])[] = [
  ['gone', ['query', 'until', 'stable', 'connections']],
  ['once', ['stable', 'grace']],
  ['quiet', ['verbose']],
  ['json', ['format']],
]

export const TIMES: OptionTable = {
  timeout: { kind: 'duration', value: 'DURATION' },
  'attempt-timeout': { kind: 'duration', value: 'DURATION' },
}

/** The one verb that every run of the gate reads; the others are in verbs/. */
export const WAIT: Verb = {
  name: 'wait',
  command: 'optional',
  options: {
    ...TIMES,
    until: {
      kind: { choice: ['tcp', 'auth', 'query', 'write', 'schema'] },
      value: 'LAYER',
    },
    connections: {
      kind: 'count',
      value: 'N',
    },
    query: {
      kind: 'list',
      value: 'SQL',
    },
    stable: {
      kind: 'duration',
      value: 'DURATION',
    },
    grace: {
      kind: 'duration',
      value: 'DURATION',
    },
    once: { kind: 'flag' },
    any: { kind: 'flag' },
    gone: { kind: 'flag' },
  },
  example: 'holdfast wait postgres://app@db:5432/app redis://redis:6379 -- node server.js',
}
