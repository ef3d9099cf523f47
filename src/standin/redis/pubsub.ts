import type { Answer } from '../../wire/resp-server.js'

/** Whoever listens. */
interface Listener {
  send(answer: Answer): void
}

type Kind = 'subscribe' | 'psubscribe'

/** Channels, patterns, and who listens to them. */
export class PubSub {
  readonly #subscriptions = {
    subscribe: new Map<string, Set<Listener>>(),
    psubscribe: new Map<string, Set<Listener>>(),
  }

  listens(listener: Listener): boolean {
    return this.#count(listener) > 0
  }

  /** Answers each name by itself, as Redis does, and so nothing to the request as a whole. */
  join(listener: Listener, kind: Kind, names: readonly Buffer[]): undefined {
    for (const name of names) {
      const listeners = this.#subscriptions[kind].get(String(name)) ?? new Set()
      this.#subscriptions[kind].set(String(name), listeners.add(listener))
      listener.send([kind, name, this.#count(listener)])
    }
  }

  /** Without names: all of them. */
  part(listener: Listener, command: `${'p' | ''}unsubscribe`, names: readonly Buffer[]): undefined {
    const kind = command === 'unsubscribe' ? 'subscribe' : 'psubscribe'
    const own = [...this.#subscriptions[kind]].filter(([, listeners]) => listeners.has(listener))
    const leaving = names.length > 0 ? names.map(String) : own.map(([name]) => name)
    for (const name of leaving) {
      this.#drop(kind, name, listener)
      listener.send([command, name, this.#count(listener)])
    }
    if (leaving.length === 0) listener.send([command, null, this.#count(listener)])
  }

  leave(listener: Listener): void {
    for (const kind of ['subscribe', 'psubscribe'] as const)
      for (const name of [...this.#subscriptions[kind].keys()]) this.#drop(kind, name, listener)
  }

  /** How many received it. */
  publish(channel: Buffer | undefined, text: Buffer | undefined): number {
    const name = String(channel)
    let received = 0
    for (const listener of this.#subscriptions.subscribe.get(name) ?? []) {
      listener.send(['message', name, text ?? ''])
      received++
    }
    for (const [pattern, listeners] of this.#subscriptions.psubscribe) {
      if (!glob(pattern).test(name)) continue
      for (const listener of listeners) {
        listener.send(['pmessage', pattern, name, text ?? ''])
        received++
      }
    }
    return received
  }

  #count(listener: Listener): number {
    return Object.values(this.#subscriptions)
      .flatMap(subscriptions => [...subscriptions.values()])
      .filter(listeners => listeners.has(listener)).length
  }

  #drop(kind: Kind, name: string, listener: Listener): void {
    const listeners = this.#subscriptions[kind].get(name)
    listeners?.delete(listener)
    if (listeners?.size === 0) this.#subscriptions[kind].delete(name)
  }
}

/** Redis' patterns: `*`, `?`, `[a-z]`, and `\` before a character that means itself. */
function glob(pattern: string): RegExp {
  const source = pattern.replace(
    /\\(.)|\*+|\?|\[(\^?)([^\]]*)\]|[.+^${}()|[\]\\/]/gs,
    (all, literal, not, set) => {
      if (literal !== undefined) return literal.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
      if (all.startsWith('*')) return '.*'
      if (all === '?') return '.'
      if (set !== undefined) return set === '' ? '(?!)' : `[${not}${set.replace(/[\\[\]^]/g, '\\$&')}]`
      return `\\${all}`
    },
  )
  return new RegExp(`^${source}$`, 's')
}
