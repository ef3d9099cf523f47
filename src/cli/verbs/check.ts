import type { VerbEntry } from './entry.js'

export const check: VerbEntry = {
  verb: {
    name: 'check',
    command: 'none',
    options: {
      deploy: { kind: 'flag' },
      'fail-level': { kind: 'text', value: 'LEVEL' },
      silence: { kind: 'list', value: 'ID=REASON' },
      explain: { kind: 'text', value: 'ID' },
    },
    example: 'holdfast check --deploy',
  },
  run: async (call, all) => (await import('../check.js')).checkVerb(call, all),
  text: {
    summary: 'checks the configuration without connecting, and what does not belong into production',
    usage: 'holdfast check [OPTIONS] [TARGET…]',
    options: {
      deploy: ['also what production needs: TLS, passwords, roles, pools, switches for debugging'],
      'fail-level': ['the least level that fails: info, warning or error', 'error'],
      silence: ['does not count, for a reason that is shown with -v; repeatable'],
      explain: ['what a finding means, with examples'],
    },
    examples: [
      ['all problems of the configuration at once', 'holdfast check'],
      ['what production needs, in a pipeline', 'holdfast check --deploy --fail-level warning'],
      [
        'one finding does not matter here',
        'holdfast check --deploy --silence tls-off="inside one virtual network"',
      ],
      ['what a finding means', 'holdfast check --explain tls-unverified'],
    ],
  },
}
