import { plain } from '../refused.js'
import { type SetUp, setUpRun } from '../setup.js'

const running: SetUp[] = []

/**
 * Vitest's `globalSetup`, before any worker starts: decides once about all services of the configuration, and says which are
 * real. Each project that names it calls it.
 *
 * @throws with the advice, once for the whole run, where a service is there and broken.
 */
export async function setup(project?: { readonly config: { readonly root: string } }): Promise<void> {
  try {
    running.push(await setUpRun(project ? { cwd: project.config.root } : {}))
  } catch (error) {
    throw plain(error)
  }
}

/** After the last worker: ends the stand-ins of the run. */
export async function teardown(): Promise<void> {
  for (const one of running.splice(0)) await one.tearDown()
}
