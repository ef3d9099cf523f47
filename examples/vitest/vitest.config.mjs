export default {
  test: {
    root: import.meta.dirname,
    include: ['*.test.mjs'],
    // Decides once for the whole run, and fails it once where a database is there and broken.
    globalSetup: ['holdfast/vitest/setup'],
  },
}
