import type { VerbEntry } from './entry.js'

export const init: VerbEntry = {
  verb: {
    name: 'init',
    command: 'none',
    options: {
      only: { kind: 'list', value: 'PART[,PART]' },
      yes: { kind: 'flag', short: 'y' },
      'dry-run': { kind: 'flag' },
      force: { kind: 'flag' },
    },
    example: 'holdfast init',
  },
  run: async call => (await import('../init.js')).initVerb(call),
  text: {
    summary: 'writes a configuration, health checks, an entrypoint and workflow steps for a project',
    usage: 'holdfast init [OPTIONS] [DIR]',
    options: {
      only: ['config, compose, entrypoint, workflow; repeatable', 'all'],
      yes: ['write without asking'],
      'dry-run': ['only show what would be written'],
      force: ['replace a file that init would create and that has other content'],
    },
    examples: [
      ['show the changes, and ask', 'holdfast init'],
      ['write them', 'holdfast init --yes'],
      ['health checks of the Compose file alone', 'holdfast init --only compose --yes'],
      ['what would be done, for a program', 'holdfast init --dry-run --json services/api'],
    ],
  },
}
