import type { FixtureSettings, ServiceFixture } from '../fixtures.js'
import type { Provided } from '../provided.js'

/** Where the environment leaves the bridge in a test file's global object. */
export const BRIDGE = Symbol.for('holdfast.jest')

/** The function that Jest gets of a test with fixtures, by which it is known on both sides. */
export type Body = () => unknown

/** One `requireServices`. */
export interface Requirement {
  /** What was decided; decides now, and blocks, where that is still to come. Throws where a service is broken. */
  read(): readonly Provided[]
  /** Decides without blocking. */
  decide(): Promise<void>
}

/**
 * The one thing that a test file, which runs in a context of its own (node:vm), gets from the environment outside of it.
 * Plain data goes over it, which the inner side copies: an object of another context fails `toStrictEqual`.
 */
export interface Bridge {
  /** For the file, or for the block that is being defined. */
  require(names: readonly string[], needs: readonly string[]): Requirement
  /** Says what the test with this body takes. */
  define(body: Body, names: readonly string[], settings: FixtureSettings): void
  /** What it took, in the order of its names. */
  fixtures(body: Body): Promise<readonly ServiceFixture[]>
}
