import { keepsItsPromises } from './suite.js'

keepsItsPromises({
  name: 'jest',
  ending: '.test.js',
  packages: ['jest', 'jest-junit'],
  prelude: `const fs = require('node:fs')
const { Client } = require('pg')
const { describe, requireServices, test } = require('holdfast/jest')
const failing = Object.assign((...args) => test.failing(...args), { with: settings => test.with(settings).failing })
`,
  topLevelAwait: false,
  project: ({ setUp }) => ({
    'package.json': '{}',
    'jest.config.js': `module.exports = ${JSON.stringify({
      testEnvironment: 'holdfast/jest/environment',
      ...(setUp ? { globalSetup: 'holdfast/jest/setup', globalTeardown: 'holdfast/jest/teardown' } : {}),
      reporters: ['default', 'jest-junit'],
    })}`,
  }),
  command: ({ junit }) => ({
    args: ['node_modules/jest/bin/jest.js', '--verbose', '--no-watchman'],
    env: { JEST_JUNIT_OUTPUT_FILE: junit },
  }),
})
