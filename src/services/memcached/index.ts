import { randomUUID } from 'node:crypto'
import {
  type Attempt,
  type Link,
  LinkError,
  ProbeError,
  type Service,
  type Session,
} from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import { atOpening } from '../mismatch.js'
import { BinaryProtocol, type Protocol, TextProtocol } from './protocol.js'

/** How long a key of a probe lives, in seconds. Of one second a tick of the server's clock may leave nothing. */
const LIFETIME_S = 2

/** memcached, in its text protocol; in its binary one where SASL leaves no other. */
export const memcached: Service = {
  name: 'memcached',
  abilities: ['write'],
  // Its errors are told when they are read: they have no shape that others could have.
  classify: () => undefined,
  async open(target, attempt) {
    const link = await attempt.connect()
    const links = [link]
    try {
      if (encrypted(target, link)) await attempt.step('tls', () => link.startTls())
      const { talk, version, asks } = await attempt.step('handshake', () =>
        greet(target, attempt, link, links),
      )
      if (asks) await attempt.step('auth', () => login(target, talk))
      return new MemcachedSession(talk, version ?? (await talk.version()))
    } catch (error) {
      for (const one of links) one.close()
      throw atOpening(error)
    }
  },
}

const encrypted = ({ tls }: Target, link: Link): boolean => tls.mode !== 'disable' && link.address !== 'unix'

interface Greeting {
  readonly talk: Protocol
  readonly version?: string
  /** The server wants a login. */
  readonly asks: boolean
}

/**
 * The version, which also tells whether a login is wanted. A server that knows the binary protocol alone closes without
 * a word, and is asked once more in that.
 */
async function greet(target: Target, attempt: Attempt, link: Link, links: Link[]): Promise<Greeting> {
  const talk = new TextProtocol(link)
  try {
    return { talk, version: await talk.version(), asks: false }
  } catch (error) {
    if (error instanceof ProbeError && error.finding.reason === 'authentication-failed')
      return { talk, asks: true }
    if (!closed(error) || attempt.signal.aborted) throw error
    const binary = await inBinary(target, attempt, links).catch(second => {
      throw second instanceof ProbeError ? second : error
    })
    return { talk: binary, asks: true }
  }
}

async function inBinary(target: Target, attempt: Attempt, links: Link[]): Promise<Protocol> {
  const link = await attempt.connect({ quiet: true })
  links.unshift(link)
  if (encrypted(target, link)) await link.startTls()
  const talk = new BinaryProtocol(link)
  await talk.version()
  links.pop()?.close()
  return talk
}

/** Closed by the server; what was given up here is not asked again. */
const closed = (error: unknown): boolean =>
  (error instanceof LinkError && error.message !== 'closed here') ||
  /^(ECONNRESET|EPIPE)$/.test(String((error as { code?: unknown }).code))

async function login({ user, password }: Target, talk: Protocol): Promise<void> {
  if (user && password) return talk.login(user, password.reveal())
  // A question shows whether the server wants them.
  await talk.ping().catch(error => {
    throw error instanceof ProbeError ? new ProbeError({ ...error.finding, advice: WANTS }) : error
  })
}

const WANTS = 'The server wants user and password: put them into the address, memcached://USER:PASSWORD@host.'

class MemcachedSession implements Session {
  readonly server: Server
  readonly #talk: Protocol

  constructor(talk: Protocol, version: string) {
    this.#talk = talk
    this.server = { product: 'memcached', version }
  }

  get closed(): Promise<unknown> {
    return this.#talk.link.closed
  }

  ping(): Promise<void> {
    return this.#talk.ping()
  }

  /** Its process and the second of its start make an incarnation. */
  async inspect(): Promise<Server> {
    const stats = await this.#talk.stats()
    const number = (name: string) => {
      const value = stats.get(name)
      return value && /^\d{1,15}$/.test(value) ? Number(value) : undefined
    }
    const [pid, uptime, time] = [number('pid'), number('uptime'), number('time')]
    return {
      ...this.server,
      ...(pid !== undefined && uptime !== undefined && time !== undefined
        ? { incarnation: `${pid}@${time - uptime}` }
        : {}),
      ...(uptime === undefined ? {} : { ageMs: uptime * 1000 }),
    }
  }

  async write(): Promise<void> {
    const key = `holdfast:probe:${randomUUID()}`
    await this.#talk.add(key, key, LIFETIME_S)
    const kept = await this.#talk.get(key)
    await this.#talk.delete(key)
    if (kept === key) return
    throw new ProbeError({
      reason: 'unmet',
      message: 'a key that was stored could not be read back',
      advice: 'Look at its memory limit and its evictions, or at the proxy in between.',
    })
  }

  async close(): Promise<void> {
    this.#talk.link.close()
  }
}
