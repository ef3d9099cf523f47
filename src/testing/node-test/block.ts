import { AsyncLocalStorage } from 'node:async_hooks'
import { relative } from 'node:path'
import { after, before, beforeEach } from 'node:test'
import { fileURLToPath } from 'node:url'
import { enter } from '../environment.js'
import type { Provided } from '../provided.js'
import { environmentOf, misplaced } from '../suite.js'

/** A file, or a block of `describe`: what it required holds for all that is in it. */
export class Block {
  #skip: string | undefined
  readonly #leaving: (() => void)[] = []
  #last = 0
  #defined = false

  constructor(
    readonly file: string,
    private readonly parent?: Block,
  ) {}

  /** Why its tests are skipped, for its own sake or its parents'. */
  skipped(): string | undefined {
    return this.#skip ?? this.parent?.skipped()
  }

  /** Takes over what was decided: the environment at once, and again while its tests run. */
  take(provided: readonly Provided[], skip: string | undefined): void {
    const env = environmentOf(provided)
    this.#leaving.push(enter(env))
    if (skip !== undefined) {
      this.#skip ??= skip
      if (!oneProcess()) beforeEach(notOfNode(skip))
      return
    }
    // A file's tests begin while it is still being loaded.
    if (this.parent)
      before(() => {
        this.#leaving.push(enter(env))
      })
    this.leaveLast()
  }

  /** Puts the environment back after the last of the block's `after` hooks, which Node calls in their order. */
  leaveLast(): void {
    if (this.#leaving.length === 0 || this.skipped() !== undefined) return
    const mine = ++this.#last
    after(() => {
      if (mine === this.#last) this.leave()
    })
  }

  /** The tests of the block are defined: from now on they run. */
  defined(): void {
    this.#defined = true
    this.leave()
  }

  get isDefined(): boolean {
    return this.#defined
  }

  leave(): void {
    while (this.#leaving.length > 0) this.#leaving.pop()?.()
  }
}

/** Names of tests that are skipped, or skip themselves, where their block does. */
const ours = new Set<string>()

export const skippable = (name: string): void => void ours.add(name)

/** Tests of `node:test` itself cannot be skipped from here; they must not pass without what the file requires. */
const notOfNode = (reason: string) => (context: { readonly name?: string }) => {
  if (ours.has(context.name ?? '')) return
  const error = new Error(
    `${reason}. This test is of node:test itself, which requireServices cannot skip: import { test } from 'holdfast/node-test'`,
  )
  error.stack = error.message
  throw error
}

interface Scope {
  readonly block: Block
  /** In a test or a hook. */
  readonly running: boolean
}

const scopes = new AsyncLocalStorage<Scope>()
const files = new Map<string, Block>()

/** Calls the function of a test or a hook. */
export const inTest = <T>(block: Block, act: () => T): T => scopes.run({ block, running: true }, act)

/** The block that a requirement stands in. @throws HoldfastError (usage) in a test or a hook. */
export function requiringBlock(): Block {
  const scope = scopes.getStore()
  if (scope?.running || scope?.block.isDefined) throw misplaced()
  return currentBlock()
}

/** The innermost block that is being defined, or whose test runs; else the file. */
export function currentBlock(): Block {
  const found = scopes.getStore()?.block
  if (found) return found
  const file = relative(process.cwd(), testFile())
  const block = files.get(file) ?? new Block(file)
  files.set(file, block)
  return block
}

/** Runs the function of a block of `describe`. */
export function within(block: Block, define: () => unknown): unknown {
  return scopes.run({ block, running: false }, () => {
    let defined: unknown
    try {
      defined = define()
    } catch (error) {
      block.defined()
      throw error
    }
    if (!(defined instanceof Promise)) {
      block.defined()
      return defined
    }
    return defined.finally(() => block.defined())
  })
}

/** In one process for all files (`--test-isolation=none`) the file that is being loaded is at the bottom of the stack. */
function testFile(): string {
  return (oneProcess() ? bottomOfStack() : undefined) ?? process.argv[1] ?? ''
}

const oneProcess = () => process.execArgv.includes('--test') && !process.env.NODE_TEST_CONTEXT

function bottomOfStack(): string | undefined {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = Number.POSITIVE_INFINITY
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  const paths = [...stack.matchAll(/^\s+at (?:.* \()?(?:async )?(file:\/\/\S+?|\/\S+?):\d+:\d+\)?$/gm)]
  const last = paths.at(-1)?.[1]
  return last?.startsWith('file:') ? fileURLToPath(last) : last
}
