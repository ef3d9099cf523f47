import { type Link, LinkError, type ProbeError } from '../../core/service.js'
import { KafkaError, responseLength } from '../../wire/kafka.js'
import { mismatch } from '../mismatch.js'

/** One request after the other over a link. */
export class Conversation {
  #n = 0
  /** The broker knows the login. */
  told = false

  constructor(readonly link: Link) {}

  /** The answer to the request that `make` makes of its number, as `read` reads it. */
  async ask<T>(make: (n: number) => Uint8Array, read: (body: Uint8Array) => T): Promise<T> {
    const n = ++this.#n
    this.link.write(make(n))
    const first = await this.link.peek()
    if (responseLength(first, n) === undefined) throw this.#foreign(first)
    // Told by its first bytes whether it is one, so that another protocol is neither waited for nor read.
    const head = await this.link.read(8).catch(error => {
      throw error instanceof LinkError ? this.#foreign(first) : error
    })
    const length = responseLength(head, n)
    if (length === undefined) throw this.#foreign(head)
    const body = await this.link.read(length - 4)
    try {
      return read(body)
    } catch (error) {
      throw error instanceof KafkaError
        ? this.#foreign(new Uint8Array([...head, ...body.subarray(0, 64)]))
        : error
    }
  }

  #foreign(bytes: Uint8Array): ProbeError {
    return mismatch('Kafka', bytes, { told: this.told })
  }
}
