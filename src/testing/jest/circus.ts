/** As much as is needed of jest-circus, which shows custom environments its state and its events (Jest 28 to 30). */

export interface Block {
  readonly type: 'describeBlock'
  readonly name: string
  readonly mode?: string | null | undefined
  readonly parent?: Block | undefined
  readonly children: readonly (Block | Test)[]
  readonly hooks: unknown[]
}

export interface Test {
  readonly type: 'test'
  name: string
  mode?: string | null | undefined
  status?: string | null | undefined
  duration?: number | null | undefined
  readonly fn?: unknown
  readonly concurrent?: boolean
  readonly parent: Block
  errors: unknown[]
}

export interface State {
  readonly rootDescribeBlock: Block
  readonly currentDescribeBlock: Block
  readonly hasFocusedTests: boolean
  readonly hasStarted: boolean
  readonly testNamePattern?: RegExp | null | undefined
}

export type Event =
  | { readonly name: 'setup'; readonly runtimeGlobals: { readonly expect: Expect } }
  | { readonly name: 'add_test'; readonly asyncError: Error }
  | { readonly name: 'run_start' | 'run_finish' }
  | { readonly name: 'run_describe_start' | 'run_describe_finish'; readonly describeBlock: Block }
  | { readonly name: 'test_start' | 'test_skip' | 'test_done'; readonly test: Test }

export interface Expect {
  getState(): { readonly snapshotState?: { markSnapshotsAsCheckedForTest?(fullName: string): void } }
}

/** The tests of a block and of the blocks in it. */
export function testsIn({ children }: Block): Test[] {
  return children.flatMap(child => (child.type === 'test' ? [child] : testsIn(child)))
}

/** Would it run, by `only`, `skip`, `todo` and `--testNamePattern`? */
export function runs(test: Test, { hasFocusedTests, testNamePattern }: State): boolean {
  return (
    test.mode !== 'skip' &&
    test.mode !== 'todo' &&
    test.parent.mode !== 'skip' &&
    !(hasFocusedTests && test.mode !== 'only') &&
    (testNamePattern?.test(fullName(test)) ?? true)
  )
}

/** Takes the hooks out of the blocks in which some tests were going to run, and none does any longer. */
export function withoutHooks(block: Block, before: ReadonlySet<Test>, after: ReadonlySet<Test>): void {
  const tests = testsIn(block)
  if (tests.some(test => before.has(test)) && !tests.some(test => after.has(test))) block.hooks.splice(0)
  for (const child of block.children) if (child.type === 'describeBlock') withoutHooks(child, before, after)
}

/** Its name after those of its blocks, as reports and snapshots have it. */
export function fullName(test: Test): string {
  const names = [test.name]
  // The outermost block is the file, whose name is not of its author.
  for (let block = test.parent; block.parent; block = block.parent) names.unshift(block.name)
  return names.join(' ')
}
