/** What the help says of a verb: no run of the gate reads it. */
export interface VerbText {
  readonly summary: string
  readonly usage: string
  /** What each option does, and its default. */
  readonly options: Readonly<Record<string, readonly [help: string, standard?: string]>>
  readonly examples: readonly (readonly [does: string, command: string])[]
}

/** Options that every verb has. */
export const COMMON_TEXT: VerbText['options'] = {
  config: ['configuration; otherwise holdfast.config.* found upward'],
  json: ['one JSON document on standard output, and nothing else there'],
  format: ['text, json, ndjson, github', 'text'],
  junit: ['write a JUnit report beside the normal output'],
  quiet: ['only failures'],
  verbose: ['every attempt; stack traces of defects'],
  help: ['this text'],
}

export const TEXTS: Readonly<Record<string, VerbText>> = {
  wait: {
    summary: 'blocks until every target is ready, then runs COMMAND if there is one',
    usage: 'holdfast wait [OPTIONS] [TARGET…] [-- COMMAND ARG…]',
    options: {
      timeout: ['for everything together', '60s'],
      'attempt-timeout': ['for one attempt', '5s'],
      until: ['how deep: tcp, auth, query, write or schema', 'query'],
      connections: ['simultaneous authenticated connections that must answer, 1000 at most', '1'],
      query: ['must return a row whose first value is not false; repeatable'],
      stable: ['the server must have been the same one for so long', '0s'],
      grace: ['how long a reason that does not heal must persist; 0 ends at once', '3s'],
      once: ['one attempt, exit 0 or 1: for HEALTHCHECK'],
      any: ['ready as soon as one target is'],
      gone: ['wait until the targets refuse, or their names are gone'],
    },
    examples: [
      [
        'wait for two services, then start',
        'holdfast wait postgres://app@db:5432/app redis://redis:6379 -- node server.js',
      ],
      ['what DATABASE_URL, REDIS_URL, PG* or DB_* name', 'holdfast wait --timeout 2m'],
      [
        'a database that can fill a pool of 20 and has its migrations',
        'holdfast wait env:DATABASE_URL --connections 20 --query "SELECT count(*) > 0 FROM migrations"',
      ],
      [
        'an image whose first server is a temporary one',
        'holdfast wait db=postgres://app@db/app --stable 5s',
      ],
      ['a web service by status and body', 'holdfast wait "http://app:8080/health#status=200&body=ready"'],
      ['a HEALTHCHECK', 'holdfast wait --once postgres://app@127.0.0.1/app'],
    ],
  },
  test: {
    summary: 'gets COMMAND its database: the real one, else a stand-in, else says skip',
    usage: 'holdfast test [OPTIONS] [TARGET…] -- COMMAND ARG…',
    options: {
      timeout: ['how long to wait for what is starting', '10s'],
      'attempt-timeout': ['for one attempt', '4s'],
      service: ['COMMAND needs it although no address names it: postgres, redis, …; repeatable'],
      needs: ['what a stand-in must be able to do: concurrency, redis.streams, …; repeatable'],
      'allow-stand-in': ['with CI=true: a stand-in may replace a configured service'],
      'allow-skip': ['with CI=true: a configured service may be skipped'],
    },
    examples: [
      ['a suite, with or without a database', 'holdfast test -- npm test'],
      ['any language', 'holdfast test -- pytest'],
      ['two services', 'holdfast test --service postgres --service CACHE_URL=redis -- npm test'],
      ['no stand-in that cannot do it', 'holdfast test --needs concurrency,listen-notify -- go test ./...'],
      ['what COMMAND gets', 'holdfast test -- sh -c \'psql "$DATABASE_URL" -c "SELECT version()"\''],
    ],
  },
}
