import { TIMES } from '../spec.js'
import type { VerbEntry } from './entry.js'

export const run: VerbEntry = {
  verb: {
    name: 'run',
    command: 'optional',
    options: {
      ...TIMES,
      grace: { kind: 'duration', value: 'DURATION' },
      stable: { kind: 'duration', value: 'DURATION' },
      connections: { kind: 'count', value: 'N' },
      migrate: { kind: 'text', value: 'CMD' },
      'migrate-target': { kind: 'text', value: 'TARGET' },
      'lock-timeout': { kind: 'duration', value: 'DURATION' },
      'fail-level': { kind: 'text', value: 'LEVEL' },
      validate: { kind: 'flag', flagOnly: true },
      require: { kind: 'list', value: 'NAME', flagOnly: true },
      'allow-remote': { kind: 'list', value: 'HOST', flagOnly: true },
      'import-check': { kind: 'list', value: 'MODULE[,MODULE]', flagOnly: true },
      smoke: { kind: 'text', value: 'CMD', flagOnly: true },
      'up-for': { kind: 'duration', value: 'DURATION', flagOnly: true },
      health: { kind: 'text', value: 'URL', flagOnly: true },
      'check-timeout': { kind: 'duration', value: 'DURATION', flagOnly: true },
      'stop-grace': { kind: 'duration', value: 'DURATION', flagOnly: true },
    },
    example: 'holdfast run --migrate "npx prisma migrate deploy" -- node server.js',
  },
  run: async (call, all) => (await import('../run.js')).runVerb(call, all),
  text: {
    summary: 'checks, waits, migrates once, checks production settings, then becomes COMMAND: an entrypoint',
    usage: 'holdfast run [OPTIONS] [TARGET…] [-- COMMAND ARG…]',
    options: {
      timeout: ['how long to wait for the targets; 5s with --validate', '120s'],
      'attempt-timeout': ['for one attempt', '5s'],
      grace: ['how long a reason that does not heal must persist; 0 ends at once', '3s'],
      stable: ['the server must have been the same one for so long', '0s'],
      connections: ['simultaneous authenticated connections that must answer, 1000 at most', '1'],
      migrate: ['brings the schema up to date; run once, however many replicas start together'],
      'migrate-target': ['where the lock is taken, without a pooler in between: a name or an address'],
      'lock-timeout': ['how long to wait while another replica migrates', '10m'],
      'fail-level': ['production settings: from which level they fail: info, warning or error', 'warning'],
      validate: ['never hands over; what needs an absent service is skipped. A flag only, no variable'],
      require: ['with --validate: a target, or all, that must be there; repeatable'],
      'allow-remote': ['with --validate: a host beyond this machine that may be migrated; repeatable'],
      'import-check': ['with --validate: modules that Node must be able to load; repeatable'],
      smoke: ['with --validate: a command that must exit 0'],
      'up-for': ['with --validate: starts COMMAND, which must stay up so long, and stops it'],
      health: ['with --up-for: an address that must answer with 2xx meanwhile'],
      'check-timeout': ['with --validate: for --smoke, and for each module of --import-check', '30s'],
      'stop-grace': ['with --up-for: how long COMMAND may take to end after TERM', '10s'],
    },
    examples: [
      ['a container', 'holdfast run -- node server.js'],
      [
        'ten replicas that migrate once',
        'holdfast run --migrate "npx prisma migrate deploy" -- node server.js',
      ],
      [
        'in CI, without a database',
        'holdfast run --validate --up-for 10s --health http://127.0.0.1:8080/health -- node server.js',
      ],
      [
        'in CI, with its database',
        'holdfast run --validate --require=db --import-check pg,fastify -- node server.js',
      ],
    ],
  },
}
