/** So many at a time, the others one after another. */
export class Slots {
  #free: number
  readonly #queue = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for one. Rejects with the signal's reason; then nothing is taken. */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        this.#queue.delete(go)
        reject(signal.reason)
      }
      const go = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      this.#queue.add(go)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  give(): void {
    const [next] = this.#queue
    if (!next) this.#free++
    else {
      this.#queue.delete(next)
      next()
    }
  }
}
