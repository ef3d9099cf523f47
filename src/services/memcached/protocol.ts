import { type Link, ProbeError } from '../../core/service.js'
import {
  ask,
  askStats,
  askVersion,
  type BinaryReply,
  beginsLine,
  expiry,
  MAX_LINE,
  MemcachedSyntaxError,
  OP,
  readBinary,
  readStats,
  readValue,
  request,
  store,
} from '../../wire/memcached.js'
import { mismatch } from '../mismatch.js'
import { findingOf, statusFinding } from './classify.js'

/** What a session needs, in either protocol. Each rejects with a ProbeError where the server refuses. */
export interface Protocol {
  readonly link: Link
  version(): Promise<string>
  login(user: string, password: string): Promise<void>
  ping(): Promise<void>
  stats(): Promise<ReadonlyMap<string, string>>
  add(key: string, value: string, seconds: number): Promise<void>
  get(key: string): Promise<string | undefined>
  delete(key: string): Promise<void>
}

/** What is read, or a mismatch where it is no reply of memcached. */
async function understood<T>(
  { link, told }: { readonly link: Link; readonly told: boolean },
  read: (first: Uint8Array) => Promise<T>,
): Promise<T> {
  const first = await link.peek()
  try {
    return await read(first)
  } catch (error) {
    throw error instanceof MemcachedSyntaxError ? mismatch('memcached', first, { told }) : error
  }
}

export class TextProtocol implements Protocol {
  /** The server knows the login. */
  told = false

  constructor(readonly link: Link) {}

  async version(): Promise<string> {
    const line = await this.#ask(askVersion())
    const version = /^VERSION (.+)$/.exec(line)?.[1]
    if (!version) throw mismatch('memcached', new TextEncoder().encode(`${line}\r\n`), { told: this.told })
    return version
  }

  /** The key means nothing: a server that asks for a login takes the first `set` for one. */
  async login(user: string, password: string): Promise<void> {
    this.told = true
    await this.#ask(store('set', 'holdfast', 0, `${user} ${password}`), 'STORED')
  }

  async ping(): Promise<void> {
    await this.version()
  }

  async stats(): Promise<ReadonlyMap<string, string>> {
    const first = await this.#ask(askStats())
    return understood(this, () => readStats(this.link, first))
  }

  async add(key: string, value: string, seconds: number): Promise<void> {
    await this.#ask(store('add', key, seconds, value), 'STORED')
  }

  async get(key: string): Promise<string | undefined> {
    const line = await this.#ask(ask('get', key))
    if (line === 'END') return undefined
    return understood(this, () => readValue(this.link, line))
  }

  async delete(key: string): Promise<void> {
    const line = await this.#ask(ask('delete', key))
    if (line !== 'DELETED' && line !== 'NOT_FOUND') throw new ProbeError(findingOf(line))
  }

  async #ask(question: Uint8Array, wanted?: string): Promise<string> {
    this.link.write(question)
    const line = await understood(this, async first => {
      if (!beginsLine(first)) throw new MemcachedSyntaxError('not a reply')
      return this.link.readLine(MAX_LINE)
    })
    if (/^(CLIENT_|SERVER_)?ERROR\b/.test(line) || (wanted && line !== wanted))
      throw new ProbeError(findingOf(line))
    return line
  }
}

/** For servers with SASL, which take nothing else. */
export class BinaryProtocol implements Protocol {
  /** The server knows the login. */
  told = false

  constructor(readonly link: Link) {}

  async version(): Promise<string> {
    return (await this.#ask(request(OP.version))).value
  }

  async login(user: string, password: string): Promise<void> {
    this.told = true
    await this.#ask(request(OP.saslAuth, 'PLAIN', `\0${user}\0${password}`))
  }

  async ping(): Promise<void> {
    await this.#ask(request(OP.noop))
  }

  async stats(): Promise<ReadonlyMap<string, string>> {
    const stats = new Map<string, string>()
    this.link.write(request(OP.stat))
    for (let n = 0; n < 2000; n++) {
      const { key, value } = await this.#reply()
      if (!key) return stats
      stats.set(key, value)
    }
    throw new ProbeError({ reason: 'protocol-mismatch', message: 'memcached sent stats without an end' })
  }

  async add(key: string, value: string, seconds: number): Promise<void> {
    await this.#ask(request(OP.add, key, value, expiry(seconds)))
  }

  async get(key: string): Promise<string | undefined> {
    this.link.write(request(OP.get, key))
    const { status, value } = await this.#reply([0, 1])
    return status === 0 ? value : undefined
  }

  async delete(key: string): Promise<void> {
    this.link.write(request(OP.delete, key))
    await this.#reply([0, 1])
  }

  #ask(question: Uint8Array): Promise<BinaryReply> {
    this.link.write(question)
    return this.#reply()
  }

  /** `allowed`: 0 is success, 1 a key that is not there. */
  async #reply(allowed: readonly number[] = [0]): Promise<BinaryReply> {
    const reply = await understood(this, async first => {
      // A server that is full says so in text, whatever it is asked.
      if (beginsLine(first)) throw new ProbeError(findingOf(await this.link.readLine(MAX_LINE)))
      return readBinary(this.link)
    })
    if (allowed.includes(reply.status)) return reply
    throw new ProbeError(statusFinding(reply.status, reply.value))
  }
}
