import { AsyncLocalStorage } from 'node:async_hooks'
import { relative } from 'node:path'
import { after, before } from 'node:test'
import { fileURLToPath } from 'node:url'
import { enter } from '../environment.js'
import type { Provided } from '../provided.js'
import { environmentOf } from '../suite.js'

/** A file, or a block of `describe`: what it required holds for all that is in it. */
export class Block {
  #skip: string | undefined
  readonly #leaving: (() => void)[] = []
  #last = 0

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

  /** The tests of the block are defined. */
  defined(): void {
    this.leave()
  }

  leave(): void {
    while (this.#leaving.length > 0) this.#leaving.pop()?.()
  }
}

const blocks = new AsyncLocalStorage<Block>()
const files = new Map<string, Block>()

/** The innermost block that is being defined, else the file. */
export function currentBlock(): Block {
  const found = blocks.getStore()
  if (found) return found
  const file = relative(process.cwd(), testFile())
  const block = files.get(file) ?? new Block(file)
  files.set(file, block)
  return block
}

/** Runs the function of a block of `describe`. */
export function within(block: Block, define: () => unknown): unknown {
  return blocks.run(block, () => {
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
  const oneProcess = process.execArgv.includes('--test') && !process.env.NODE_TEST_CONTEXT
  return (oneProcess ? bottomOfStack() : undefined) ?? process.argv[1] ?? ''
}

function bottomOfStack(): string | undefined {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = Number.POSITIVE_INFINITY
  const { stack = '' } = new Error()
  Error.stackTraceLimit = limit
  const paths = [...stack.matchAll(/^\s+at (?:.* \()?(?:async )?(file:\/\/\S+?|\/\S+?):\d+:\d+\)?$/gm)]
  const last = paths.at(-1)?.[1]
  return last?.startsWith('file:') ? fileURLToPath(last) : last
}
