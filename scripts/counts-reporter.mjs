import { writeFileSync } from 'node:fs'

const where = ({ module, fullName }) => `${module.relativeModuleId} > ${fullName}`

/**
 * A vitest reporter that writes what scripts/test.mjs counts into the file named by HOLDFAST_TEST_COUNTS. Unlike
 * vitest's JSON it knows files that could not be loaded, suites whose hooks failed, errors that nobody caught,
 * and why a test was skipped.
 */
export default class Counts {
  onTestRunEnd(modules, unhandled, reason) {
    const tests = modules.flatMap(module => [...module.children.allTests()])
    const suites = modules.flatMap(module => [module, ...module.children.allSuites()])
    const state = name => tests.filter(test => test.result().state === name)
    const counts = {
      passed: state('passed').length,
      failed: state('failed').length,
      // A suite with errors of its own: its file does not load, or a hook of it failed.
      broken: suites
        .filter(suite => suite.errors().length > 0)
        .map(suite => suite.fullName ?? suite.moduleId),
      unhandled: unhandled.map(error => String(error.message ?? error)),
      pending: state('pending').map(where),
      skipped: state('skipped').map(test => ({ test: where(test), why: test.result().note ?? '' })),
      interrupted: reason === 'interrupted',
    }
    writeFileSync(process.env.HOLDFAST_TEST_COUNTS, JSON.stringify(counts))
  }
}
