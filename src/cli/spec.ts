import type { OptionTable, Verb } from './call.js'

const FORMATS = ['text', 'json', 'ndjson', 'github']

/** Options that every verb has. */
export const COMMON: OptionTable = {
  config: {
    kind: 'text',
    short: 'c',
    value: 'FILE',
    help: 'configuration; otherwise holdfast.config.* found upward',
  },
  json: { kind: 'flag', help: 'one JSON document on standard output, and nothing else there' },
  format: { kind: { choice: FORMATS }, value: 'FORMAT', help: `${FORMATS.join(', ')}`, default: 'text' },
  junit: { kind: 'text', value: 'FILE', help: 'write a JUnit report beside the normal output' },
  quiet: { kind: 'flag', short: 'q', help: 'only failures' },
  verbose: { kind: 'flag', short: 'v', help: 'every attempt; stack traces of defects' },
  help: { kind: 'flag', short: 'h', help: 'this text' },
}

/** Options that make no sense together. A variable gives way to an option; two options are an error. */
export const CONTRADICTIONS: readonly (readonly [one: string, others: readonly string[]])[] = [
  ['gone', ['query', 'until', 'stable', 'connections']],
  ['once', ['stable', 'grace']],
  ['quiet', ['verbose']],
  ['json', ['format']],
]

const TIMES: OptionTable = {
  timeout: { kind: 'duration', value: 'DURATION', help: 'for everything together', default: '60s' },
  'attempt-timeout': { kind: 'duration', value: 'DURATION', help: 'for one attempt', default: '5s' },
}

export const VERBS: readonly Verb[] = [
  {
    name: 'wait',
    summary: 'blocks until every target is ready, then runs COMMAND if there is one',
    usage: 'holdfast wait [OPTIONS] [TARGET…] [-- COMMAND ARG…]',
    command: 'optional',
    options: {
      ...TIMES,
      until: {
        kind: { choice: ['tcp', 'auth', 'query', 'write', 'schema'] },
        value: 'LAYER',
        help: 'how deep: tcp, auth, query, write or schema',
        default: 'query',
      },
      connections: {
        kind: 'count',
        value: 'N',
        help: 'simultaneous authenticated connections that must answer',
        default: '1',
      },
      query: {
        kind: 'list',
        value: 'SQL',
        help: 'must return a row whose first value is not false; repeatable',
      },
      stable: {
        kind: 'duration',
        value: 'DURATION',
        help: 'the server must have been the same one for so long',
        default: '0s',
      },
      grace: {
        kind: 'duration',
        value: 'DURATION',
        help: 'how long a reason that does not heal must persist; 0 ends at once',
        default: '3s',
      },
      once: { kind: 'flag', help: 'one attempt, exit 0 or 1: for HEALTHCHECK' },
      any: { kind: 'flag', help: 'ready as soon as one target is' },
      gone: { kind: 'flag', help: 'wait until the targets refuse, or their names are gone' },
    },
    example: 'holdfast wait postgres://app@db:5432/app redis://redis:6379 -- node server.js',
  },
  {
    name: 'test',
    summary: 'gets COMMAND its database: the real one, else a stand-in, else says skip',
    usage: 'holdfast test [OPTIONS] [TARGET…] -- COMMAND ARG…',
    command: 'required',
    options: {
      timeout: {
        kind: 'duration',
        value: 'DURATION',
        help: 'how long to wait for what is starting',
        default: '10s',
      },
      'attempt-timeout': { kind: 'duration', value: 'DURATION', help: 'for one attempt', default: '4s' },
      service: {
        kind: 'list',
        value: '[VARIABLE=]NAME',
        help: 'COMMAND needs it although no address names it: postgres, redis, …; repeatable',
      },
      needs: {
        kind: 'list',
        value: 'CAP[,CAP]',
        help: 'what a stand-in must be able to do: concurrency, redis.streams, …; repeatable',
      },
      'allow-stand-in': { kind: 'flag', help: 'with CI=true: a stand-in may replace a configured service' },
      'allow-skip': { kind: 'flag', help: 'with CI=true: a configured service may be skipped' },
    },
    example: 'holdfast test -- npm test',
  },
]
