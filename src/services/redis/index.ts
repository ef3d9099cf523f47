import { randomUUID } from 'node:crypto'
import { type Health, type Link, ProbeError, type Service, type Session } from '../../core/service.js'
import type { Target } from '../../core/target.js'
import type { Server } from '../../core/verdict.js'
import { beginsReply, command, type Reply, RespError, RespSyntaxError, readReply } from '../../wire/resp.js'
import { mismatch } from '../mismatch.js'
import { classifyRedis } from './classify.js'

/** Redis and Valkey, by an own client of the wire. */
export const redis: Service = {
  name: 'redis',
  abilities: ['write'],
  classify: classifyRedis,
  async open(target, attempt) {
    const link = await attempt.connect()
    try {
      if (target.tls.mode !== 'disable' && link.address !== 'unix')
        await attempt.step('tls', () => link.startTls())
      const session = new RedisSession(link, target)
      if (target.password) await attempt.step('auth', () => session.login(target))
      else await attempt.step('handshake', () => session.greet())
      const { database } = target
      // A session begins in database 0; a user may lack the right to select it once more.
      if (database && index(database) !== '0')
        await attempt.step('auth', () => session.ask('SELECT', index(database)))
      return session
    } catch (error) {
      link.close()
      throw error
    }
  },
}

function index(database: string): string {
  if (/^\d+$/.test(database)) return database
  throw new ProbeError({
    reason: 'client-misuse',
    message: `"${database}" is not the number of a Redis database`,
    advice: 'Write redis://host:port/0.',
  })
}

class RedisSession implements Session {
  #hello: readonly Reply[] = []
  /** Does the server know a password? */
  #told = false

  constructor(
    readonly link: Link,
    readonly target: Target,
  ) {}

  get server(): Server {
    const version = this.#greeting('version')
    return {
      product: this.#greeting('server') === 'valkey' ? 'Valkey' : 'Redis',
      ...(version ? { version } : {}),
    }
  }

  #greeting(key: string): string | undefined {
    const at = this.#hello.indexOf(key)
    return at < 0 ? undefined : String(this.#hello[at + 1])
  }

  get closed(): Promise<unknown> {
    return this.link.closed
  }

  /** HELLO tells version and role; servers before Redis 6 do not know it. */
  async greet(...credentials: string[]): Promise<void> {
    try {
      const reply = await this.ask('HELLO', '2', ...credentials)
      if (Array.isArray(reply)) this.#hello = reply
    } catch (error) {
      if (!(error instanceof ProbeError && /unknown command/i.test(error.finding.message))) throw error
      const [auth, user, ...password] = credentials
      if (auth && user) await this.ask(auth, ...(user === 'default' ? [] : [user]), ...password)
    }
  }

  /** As drivers do: a password alone goes in the old form, which a server that has none rejects. */
  async login({ user, password }: Target): Promise<void> {
    const secret = password?.reveal() ?? ''
    if (user) return this.greet('AUTH', user, secret)
    await this.ask('AUTH', secret)
    await this.greet()
  }

  async ping(): Promise<void> {
    try {
      await this.ask('PING')
    } catch (error) {
      // To know that a user may not ask, a server must serve.
      if (!(error instanceof ProbeError && error.finding.code === 'NOPERM')) throw error
    }
  }

  async inspect(): Promise<Server> {
    const info = String(await this.ask('INFO', 'server'))
    const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
    const [version, incarnation, uptime] = [
      field('redis_version'),
      field('run_id'),
      field('uptime_in_seconds'),
    ]
    return {
      ...this.server,
      ...(version ? { version: this.server.version ?? version } : {}),
      ...(incarnation ? { incarnation } : {}),
      ...(uptime && /^\d+$/.test(uptime) ? { ageMs: Number(uptime) * 1000 } : {}),
    }
  }

  async write(): Promise<void> {
    const key = `holdfast:probe:${randomUUID()}`
    await this.ask('SET', key, '1', 'PX', '1000')
    await this.ask('DEL', key)
  }

  async health(): Promise<Health> {
    const { healthOf } = await import('./health.js')
    return healthOf(this, this.target)
  }

  async close(): Promise<void> {
    this.link.close()
  }

  async ask(...words: string[]): Promise<Reply> {
    this.#told ||= words.includes('AUTH')
    const told = this.#told
    this.link.write(command(...words))
    const first = await this.link.peek()
    if (!beginsReply(first[0] ?? 0)) throw mismatch('Redis', first, { told })
    let reply: Reply
    try {
      reply = await readReply(this.link)
    } catch (error) {
      throw error instanceof RespSyntaxError ? mismatch('Redis', first, { told }) : error
    }
    if (!(reply instanceof RespError)) return reply
    throw new ProbeError(
      classifyRedis(reply) ?? { reason: 'query-error', code: reply.code, message: reply.message },
    )
  }
}
