module.exports = {
  testEnvironment: 'holdfast/jest/environment',
  // Decides once for the whole run, and fails it once where a database is there and broken.
  globalSetup: 'holdfast/jest/setup',
  globalTeardown: 'holdfast/jest/teardown',
}
