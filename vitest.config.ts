import { defineConfig } from 'vitest/config'

const limits = { testTimeout: 30_000, hookTimeout: 60_000, teardownTimeout: 10_000, retry: 0 }

export default defineConfig({
  test: {
    // Real servers are started once a run, for both projects.
    globalSetup: ['test/support/global-setup.ts'],
    // Files mostly wait for servers: two at a time take half the time, also on two cores.
    maxWorkers: 2,
    projects: [
      {
        // Files share a thread and its modules: 200 files in 2 s instead of a minute. A unit test therefore
        // leaves process.env, timers and prototypes as it found them.
        test: { ...limits, name: 'unit', include: ['src/**/*.test.ts'], pool: 'threads', isolate: false },
      },
      {
        // A process per file: these start children, count handles, and may crash.
        test: { ...limits, name: 'whole', include: ['test/**/*.test.ts'], pool: 'forks', isolate: true },
      },
    ],
  },
})
