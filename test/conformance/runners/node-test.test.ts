import { keepsItsPromises } from './suite.js'

keepsItsPromises({
  name: 'node-test',
  ending: '.test.mjs',
  packages: [],
  prelude: `import fs from 'node:fs'
import {
  after as afterAll, afterEach, before as beforeAll, beforeEach, describe, requireServices, test,
} from 'holdfast/node-test'
import pg from 'pg'
const { Client } = pg
const failing = test.todo
`,
  topLevelAwait: true,
  project: () => ({ 'package.json': '{ "type": "module" }' }),
  command: ({ setUp, junit, files }) => ({
    args: [
      ...(setUp ? ['--require', 'holdfast/node-test/setup'] : []),
      '--test',
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=junit',
      `--test-reporter-destination=${junit}`,
      ...files,
    ],
  }),
})
