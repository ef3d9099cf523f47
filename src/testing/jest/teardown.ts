import { kept } from './set-up.js'

/** Jest's `globalTeardown`: ends what `holdfast/jest/setup` has started. */
export default async function teardown(): Promise<void> {
  await kept()
}
