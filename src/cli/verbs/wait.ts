import { WAIT } from '../spec.js'
import { waitVerb } from '../wait.js'
import type { VerbEntry } from './entry.js'

export const wait: VerbEntry = {
  verb: WAIT,
  run: waitVerb,
  text: {
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
}
