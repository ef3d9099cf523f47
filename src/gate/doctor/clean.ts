import type { Concern } from '../../core/concern.js'
import { plain } from '../../core/redact.js'
import { redactorOf } from '../../core/redactor.js'
import type { Health } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Fault } from './checkup.js'

/** Longer than any sentence of ours; what is to be pasted must not be cut. */
const MOST = 4000

/** Where a line of our own ends. */
const AFTER_COMMENT = /(?<=^# [^\n]*)\n/

/** Takes a target's secrets and an outsider's control characters out of what is shown of it. */
export class Cleaner {
  readonly #redact: (text: string) => string
  constructor(readonly target: Target) {
    this.#redact = redactorOf(target)
  }

  line(text: string): string {
    return plain(this.#redact(text), MOST)
  }

  fault(fault: Fault): Fault {
    return this.#each(fault)
  }

  concern(concern: Concern): Concern {
    return { ...this.#each(concern), target: this.target.name }
  }

  facts(facts: Health['facts']): Health['facts'] {
    return this.#each(facts)
  }

  /** A fix may have a comment on a line of its own before it; other line breaks came with data. */
  #each<T extends object>(all: T): T {
    return Object.fromEntries(
      Object.entries(all).map(([key, value]) => [
        key,
        typeof value === 'string'
          ? (key === 'fix' ? value.split(AFTER_COMMENT) : [value]).map(part => this.line(part)).join('\n')
          : value,
      ]),
    ) as T
  }
}
