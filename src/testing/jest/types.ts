import type { FixtureSettings, ServiceFixtures } from '../fixtures.js'

/** Jest's callback, in a test that takes one instead of returning a promise. */
export interface Done {
  (reason?: unknown): void
  fail(reason?: unknown): void
}

/** What a test takes: services, which it must destructure, or a callback. One type, since no overload can tell them apart. */
export type TestBody = (given: ServiceFixtures & Done) => unknown

type Define = (name: Name, fn: TestBody, timeout?: number) => void

/** As Jest takes it. */
type Name = string | number | ((...args: never[]) => unknown)

/** Jest's `each`: rows, not services; what rows need, `requireServices` says. */
interface Each {
  <Row extends readonly [unknown, ...unknown[]]>(rows: readonly Row[]): Rows<[...Row]>
  <Row extends readonly unknown[]>(rows: readonly Row[]): Rows<[...Row]>
  <Row>(rows: readonly Row[]): Rows<[Row]>
  // biome-ignore lint/suspicious/noExplicitAny: the columns are in the text.
  (text: TemplateStringsArray, ...values: unknown[]): Rows<[any]>
}
type Rows<Args extends unknown[]> = (name: Name, fn: (...args: Args) => unknown, timeout?: number) => void

type Failing = Define & { readonly each: Each }
type Skip = Define & { readonly each: Each; readonly failing: Failing }
type Concurrent = Define & {
  readonly each: Each
  readonly only: Define & { readonly each: Each; readonly failing: Failing }
  readonly skip: Define & { readonly each: Each; readonly failing: Failing }
  readonly failing: Failing
}

/** Jest's `test`, with a fixture for each service. */
export type ServiceTest = Define & {
  /** Another `test`, whose fixtures are made as these settings say. */
  with(settings: FixtureSettings): ServiceTest
  readonly each: Each
  readonly only: Skip
  readonly skip: Skip
  readonly failing: Failing
  readonly concurrent: Concurrent
  readonly todo: (name: string) => void
}

type DefineBlock = (name: Name, fn: () => void) => void
type EachBlock = DefineBlock & { readonly each: Each }
export type Describe = EachBlock & { readonly only: EachBlock; readonly skip: EachBlock }
