import type { Runner } from './runner.js'

/** A test file of a JavaScript runner, whose adapter is `holdfast/NAME`; both module systems read it. */
const text = (n: number, head: string) => `${head}
const services = requireServices('postgres')

test('reads ${n}', async () => {
  const client = new pg.Client({ connectionString: services.postgres.url, application_name: 'suite' })
  await client.connect()
  const { rows } = await client.query('SELECT ${n} AS n')
  await client.end()
  if (rows[0].n !== ${n}) throw new Error(\`\${rows[0].n} instead of ${n}\`)
})
`

const modules = (name: string) => (n: number) => ({
  name: `reads-${n}.test.mjs`,
  text: text(n, `import pg from 'pg'\nimport { requireServices, test } from 'holdfast/${name}'`),
})

export const vitest: Runner = {
  name: 'vitest',
  packages: ['vitest', 'pg'],
  project: {
    'package.json': '{}',
    'vitest.config.mjs': "export default { test: { globalSetup: ['holdfast/vitest/setup'] } }",
  },
  decides: 'inside',
  file: modules('vitest'),
  command: junit => [
    process.execPath,
    ...['node_modules/vitest/vitest.mjs', 'run', '--reporter=verbose', '--reporter=junit', '--no-cache'],
    `--outputFile.junit=${junit}`,
  ],
}

export const jest: Runner = {
  name: 'jest',
  packages: ['jest', 'jest-environment-node', 'jest-junit', 'pg'],
  project: {
    'package.json': '{}',
    'jest.config.cjs': `module.exports = {
  testEnvironment: 'holdfast/jest/environment',
  globalSetup: 'holdfast/jest/setup',
  globalTeardown: 'holdfast/jest/teardown',
  cache: false,
  reporters: ['default', ['jest-junit', { outputDirectory: __dirname, outputName: 'junit.xml' }]],
}
`,
  },
  decides: 'inside',
  file: n => ({
    name: `reads-${n}.test.cjs`,
    text: text(n, "const pg = require('pg')\nconst { requireServices, test } = require('holdfast/jest')"),
  }),
  command: () => [
    process.execPath,
    'node_modules/jest/bin/jest.js',
    '--ci',
    '--verbose',
    '--testMatch=**/*.test.cjs',
  ],
}

export const nodeTest: Runner = {
  name: 'node:test',
  packages: ['pg'],
  project: { 'package.json': '{}' },
  decides: 'inside',
  file: modules('node-test'),
  command: junit => [
    process.execPath,
    ...[
      '--require',
      'holdfast/node-test/setup',
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
    ],
    ...['--test-reporter=junit', `--test-reporter-destination=${junit}`],
  ],
}
