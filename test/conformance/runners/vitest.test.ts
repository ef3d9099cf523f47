import { keepsItsPromises } from './suite.js'

keepsItsPromises({
  name: 'vitest',
  ending: '.test.mjs',
  packages: ['vitest'],
  prelude: `import fs from 'node:fs'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'
import { describe, requireServices, test } from 'holdfast/vitest'
import pg from 'pg'
const { Client } = pg
const failing = Object.assign(test.fails, { with: settings => test.with(settings).fails })
`,
  topLevelAwait: true,
  project: ({ setUp }) => ({
    'package.json': '{ "type": "module" }',
    // Where files share a process they would see what one of them left in its environment.
    'vitest.config.mjs': `export default { test: { ${setUp ? "globalSetup: ['holdfast/vitest/setup']" : 'isolate: false, fileParallelism: false'} } }`,
  }),
  command: ({ junit }) => ({
    args: [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--reporter=verbose',
      '--reporter=junit',
      `--outputFile.junit=${junit}`,
      '--no-cache',
    ],
  }),
})
