import { keep } from './set-up.js'

/**
 * Jest's `globalSetup`: decides about all services of the configuration once, before any test file, and says which are
 * real. With `globalTeardown: 'holdfast/jest/teardown'`, which ends their stand-ins.
 *
 * @throws with the advice, once for the whole run, where a service is there and broken.
 */
export default async function setup(
  _global?: unknown,
  project?: { readonly rootDir?: string },
): Promise<void> {
  const { setUp } = await import('./outside.js')
  keep(await setUp(project?.rootDir))
}
