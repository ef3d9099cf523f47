import type { after, describe, TestContext, TestOptions } from 'node:test'
import type { FixtureSettings, ServiceFixtures } from '../fixtures.js'

/** A test's body: Node's context, which has the services besides. */
export type Body = (
  context: { readonly test: Define } & ServiceFixtures & TestContext,
  done: (result?: unknown) => void,
) => void | Promise<void>

interface Define {
  (name?: string, fn?: Body): Promise<void>
  (name?: string, options?: TestOptions, fn?: Body): Promise<void>
  (options?: TestOptions, fn?: Body): Promise<void>
  (fn?: Body): Promise<void>
}

/** Node's `test`, with a fixture for each service. */
export interface ServiceTest extends Define {
  readonly skip: Define
  readonly todo: Define
  readonly only: Define
  /** Another `test`, whose fixtures are made as these settings say. */
  with(settings: FixtureSettings): ServiceTest
}

export type Describe = typeof describe

export type Hook = typeof after
