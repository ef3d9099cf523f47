/** What the help of each verb shows: what it does, and the command. Apart from the options, which every run reads. */
export const EXAMPLES: Readonly<Record<string, readonly (readonly [does: string, command: string])[]>> = {
  wait: [
    [
      'wait for two services, then start',
      'holdfast wait postgres://app@db:5432/app redis://redis:6379 -- node server.js',
    ],
    ['what DATABASE_URL, REDIS_URL, PG* or DB_* name', 'holdfast wait --timeout 2m'],
    [
      'a database that can fill a pool of 20 and has its migrations',
      'holdfast wait env:DATABASE_URL --connections 20 --query "SELECT count(*) > 0 FROM migrations"',
    ],
    ['an image whose first server is a temporary one', 'holdfast wait db=postgres://app@db/app --stable 5s'],
    ['a web service by status and body', 'holdfast wait "http://app:8080/health#status=200&body=ready"'],
    ['a HEALTHCHECK', 'holdfast wait --once postgres://app@127.0.0.1/app'],
  ],
  test: [
    ['a suite, with or without a database', 'holdfast test -- npm test'],
    ['any language', 'holdfast test -- pytest'],
    ['two services', 'holdfast test --service postgres --service CACHE_URL=redis -- npm test'],
    ['no stand-in that cannot do it', 'holdfast test --needs concurrency,listen-notify -- go test ./...'],
    ['what COMMAND gets', 'holdfast test -- sh -c \'psql "$DATABASE_URL" -c "SELECT version()"\''],
  ],
}
