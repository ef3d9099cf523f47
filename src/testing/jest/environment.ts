import { createRequire } from 'node:module'
import { relative } from 'node:path'
import { BRIDGE } from './bridge.js'
import type { Event, State } from './circus.js'
import { FileRun } from './file-run.js'

/** As much of Jest's environments as is needed to stand on one. */
export interface JestEnvironment {
  global: object
  setup(): Promise<void>
  teardown(): Promise<void>
  handleTestEvent?(event: unknown, state: unknown): Promise<void> | void
}

// biome-ignore lint/suspicious/noExplicitAny: TypeScript wants it of a mixin.
type EnvironmentClass = new (...args: any[]) => JestEnvironment

/** What Jest 28 and later hand to an environment. */
interface Configuration {
  readonly globalConfig?: { readonly verbose?: boolean | undefined }
  readonly projectConfig: { readonly rootDir: string; readonly verbose?: boolean | undefined }
}

interface Variables {
  readonly process: { readonly env: Record<string, string | undefined> }
}

/**
 * `Base` with services for tests, for projects whose environment is another one:
 *
 *     module.exports = holdfastEnvironment(require('jest-environment-jsdom').TestEnvironment)
 */
export function holdfastEnvironment<Base extends EnvironmentClass>(Base: Base): Base {
  return class extends Base {
    readonly #run: FileRun

    // biome-ignore lint/suspicious/noExplicitAny: as above; Jest's (config, context).
    constructor(...args: any[]) {
      super(...args)
      const [{ globalConfig, projectConfig }, { testPath }] = args as [
        Configuration,
        { readonly testPath: string },
      ]
      this.#run = new FileRun({
        outside: () => import('./outside.js').then(({ decisions }) => decisions),
        suite: relative(projectConfig.rootDir, testPath),
        cwd: projectConfig.rootDir,
        say: text => void process.stderr.write(text),
        verbose: projectConfig.verbose ?? globalConfig?.verbose ?? false,
        // Programs that a test starts get Jest's own variables, not the copy that the test sees.
        environments: () => [(this.global as unknown as Variables).process.env, process.env],
      })
      Object.assign(this.global, { [BRIDGE]: this.#run.bridge })
    }

    override async setup(): Promise<void> {
      await super.setup()
      await this.#run.open()
    }

    override async teardown(): Promise<void> {
      try {
        await this.#run.close()
      } finally {
        await super.teardown()
      }
    }

    // Not async: what happens while tests are being defined is not waited for.
    override handleTestEvent(event: unknown, state: unknown): Promise<void> | void {
      const before = super.handleTestEvent?.(event, state)
      if (before) return before.then(() => this.#run.handle(event as Event, state as State))
      return this.#run.handle(event as Event, state as State)
    }
  }
}

/** Jest's environment for Node, with services for tests: `testEnvironment: 'holdfast/jest/environment'`. */
export default holdfastEnvironment(nodeEnvironment())

/** The project's own: it need not be where this package can see it. */
function nodeEnvironment(): EnvironmentClass {
  const runner = Object.keys(require.cache).find(file => /[\\/]jest-runner[\\/]build[\\/]/.test(file))
  const places = [__filename, `${process.cwd()}/`, require.main?.filename, runner]
  for (const place of places) {
    if (!place) continue
    try {
      return createRequire(place)('jest-environment-node').TestEnvironment
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new Error(
    'holdfast/jest/environment stands on jest-environment-node 28 or later, which is not to be found: npm install --save-dev jest-environment-node',
  )
}
