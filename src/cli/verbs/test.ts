import type { VerbEntry } from './entry.js'

export const test: VerbEntry = {
  verb: {
    name: 'test',
    command: 'required',
    options: {
      timeout: { kind: 'duration', value: 'DURATION' },
      'attempt-timeout': { kind: 'duration', value: 'DURATION' },
      service: { kind: 'list', value: '[VARIABLE=]NAME' },
      needs: { kind: 'list', value: 'CAP[,CAP]' },
      require: { kind: 'list', value: 'NAME', flagOnly: true },
      'allow-stand-in': { kind: 'flag' },
      'allow-skip': { kind: 'flag' },
      'allow-remote': { kind: 'list', value: 'HOST', flagOnly: true },
    },
    example: 'holdfast test -- npm test',
  },
  run: async call => (await import('../test.js')).testVerb(call),
  text: {
    summary: 'gets COMMAND its database: the real one, else a stand-in, else says skip',
    usage: 'holdfast test [OPTIONS] [TARGET…] -- COMMAND ARG…',
    options: {
      timeout: ['how long to wait for what is starting', '10s'],
      'attempt-timeout': ['for one attempt', '4s'],
      service: ['COMMAND needs it although no address names it: postgres, redis, …; repeatable'],
      needs: ['what a stand-in must be able to do: concurrency, redis.streams, …; repeatable'],
      require: ['nothing but the real one will do: a service, a target or all; repeatable'],
      'allow-stand-in': ['with CI=true: a stand-in may replace a configured service'],
      'allow-skip': ['with CI=true: a configured service may be skipped'],
      'allow-remote': ['a host beyond this machine where databases for tests may be made; repeatable'],
    },
    examples: [
      ['a suite, with or without a database', 'holdfast test -- npm test'],
      ['any language', 'holdfast test -- pytest'],
      ['two services', 'holdfast test --service postgres --service CACHE_URL=redis -- npm test'],
      ['no stand-in that cannot do it', 'holdfast test --needs concurrency,listen-notify -- go test ./...'],
      ['the real one or none, also on a laptop', 'holdfast test --require postgres -- npm test'],
      ['what COMMAND gets', 'holdfast test -- sh -c \'psql "$DATABASE_URL" -c "SELECT version()"\''],
    ],
  },
}
