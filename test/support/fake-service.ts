/**
 * A service without a network: what a login and the session after it do is said by a function of the test, and
 * every session is counted when it opens and closes.
 */
import type { ReasonId } from '../../src/core/reasons.js'
import { Secret } from '../../src/core/redact.js'
import { type Attempt, ProbeError, type Service, type Session } from '../../src/core/service.js'
import type { Target } from '../../src/core/target.js'
import type { Layer, Server } from '../../src/core/verdict.js'
import type { Clock } from '../../src/io/clock.js'
import { untilAborted } from '../../src/io/resolve.js'

/** What one login leads to. */
export interface Login {
  /** Why it fails; nothing means a session. */
  readonly fails?: ReasonId | Error
  /** The code of the failure. */
  readonly code?: string
  /** The layer that it fails or hangs in. Default `auth`. */
  readonly at?: Layer
  /** Did the server say a byte? Default: where the layer is beyond `tcp`. */
  readonly heard?: boolean
  /** It takes this long; Infinity hangs until the signal. */
  readonly takesMs?: number
  /** What is known of the server, also where the login fails. */
  readonly server?: Partial<Server>
  /** Overrides what the session does. */
  readonly session?: Partial<Session>
}

export interface FakeService extends Service {
  /** When each login began, in virtual milliseconds. */
  readonly logins: readonly number[]
  readonly opened: number
  /** Sessions that are open now, and the most that ever were. */
  readonly left: number
  readonly peak: number
}

export function fakeService(
  clock: Clock,
  login: (n: number, now: number) => Login = () => ({}),
): FakeService {
  const logins: number[] = []
  const count = { opened: 0, open: 0, peak: 0 }
  return {
    name: 'fake',
    abilities: ['query', 'write', 'schema'],
    classify: () => undefined,
    logins,
    get opened() {
      return count.opened
    },
    get left() {
      return count.open
    },
    get peak() {
      return count.peak
    },
    async open(_: Target, attempt: Attempt) {
      logins.push(clock.now())
      const {
        fails,
        code,
        at = 'auth',
        takesMs = 0,
        server,
        session,
        ...more
      } = login(logins.length, clock.now())
      const { heard = at !== 'dns' && at !== 'tcp' } = more
      const known: Server = { product: 'Fake', ...server }
      if (heard) hear(attempt)
      await attempt.step(at, async () => {
        if (takesMs === Number.POSITIVE_INFINITY) await untilAborted(new Promise(() => {}), attempt.signal)
        else if (takesMs > 0) await clock.sleep(takesMs, attempt.signal)
        if (fails instanceof Error) throw fails
        if (fails)
          throw new ProbeError({ reason: fails, message: `it is ${fails}`, ...(code ? { code } : {}) }, known)
      })
      count.opened++
      count.open++
      count.peak = Math.max(count.peak, count.open)
      return counted(
        { server: known, closed: new Promise(() => {}), ping: async () => {}, ...session },
        count,
      )
    },
  }
}

/** An attempt of the gate's records that something was heard; one that a pool is filled with does not. */
function hear(attempt: Attempt): void {
  const { trace } = attempt as { trace?: { heard: boolean } }
  if (trace) trace.heard = true
}

function counted(session: Omit<Session, 'close'>, count: { open: number }): Session {
  let closed = false
  return {
    ...session,
    async close() {
      if (closed) throw new Error('a session was closed twice')
      closed = true
      count.open--
    },
  }
}

/** A target without an address, so that nothing is resolved or dialled. */
export const fakeTarget = (name = 'db'): Target => ({
  name,
  service: 'fake',
  address: `fake://${name}`,
  hosts: [],
  tls: { mode: 'disable', sni: false, direct: false },
  params: new Map(),
  given: new Secret(`fake://${name}`),
  source: 'argument',
})
