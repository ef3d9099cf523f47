import { TIMES } from '../spec.js'
import type { VerbEntry } from './entry.js'

export const doctor: VerbEntry = {
  verb: {
    name: 'doctor',
    command: 'none',
    options: {
      ...TIMES,
      connections: { kind: 'count', value: 'N' },
      threshold: { kind: 'count', value: 'PERCENT' },
      until: { kind: { choice: ['tcp', 'auth', 'query', 'write', 'schema'] }, value: 'LAYER' },
      all: { kind: 'flag' },
    },
    example: 'holdfast doctor postgres://app@db:5432/app',
  },
  run: async call => (await import('../doctor.js')).doctorVerb(call),
  text: {
    summary: 'examines every target, and says what is wrong and how to put it right',
    usage: 'holdfast doctor [OPTIONS] [TARGET…]',
    options: {
      timeout: ['for everything together', '30s'],
      'attempt-timeout': ['for one attempt, and for each question', '4s'],
      connections: ['simultaneous authenticated connections to try', '20'],
      threshold: ['how many of them must answer, in percent', '80'],
      until: ['how deep: only write writes (a temporary table or key, taken back)', 'query'],
      all: ['everything that was seen, not only what is wrong'],
    },
    examples: [
      ['what is wrong with the database of the environment', 'holdfast doctor'],
      ['one database', 'holdfast doctor postgres://app@db:5432/app'],
      ['everything that was seen', 'holdfast doctor --all env:DATABASE_URL'],
      ['can 50 connections be had', 'holdfast doctor --connections 50 --threshold 100 env:DATABASE_URL'],
      ['in CI, with a report', 'holdfast doctor --junit doctor.xml --json > doctor.json'],
    ],
  },
}
