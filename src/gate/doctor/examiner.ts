import { capacity } from '../../core/capacity.js'
import type { Concern } from '../../core/concern.js'
import type { Health, Session } from '../../core/service.js'
import type { Finding, NotReady, Verdict } from '../../core/verdict.js'
import type { Clock } from '../../io/clock.js'
import { type Resolve, untilAborted } from '../../io/resolve.js'
import { Trace } from '../attempt.js'
import { finding } from '../explain.js'
import { noted } from '../farewell.js'
import type { Logins } from '../logins.js'
import type { Outcome } from '../outcome.js'
import { adviseOn } from './advice.js'
import { aroundHere } from './around.js'
import type { Checkup, DoctorOptions, ExaminationName, Fault, Patient } from './checkup.js'
import { Cleaner } from './clean.js'
import { concurrent, poolSize } from './concurrent.js'
import * as exam from './examinations.js'
import { beside, LOOK_MS, lookAround, merged } from './looking.js'
import { LOOKS } from './looks/all.js'
import { Examinations } from './record.js'
import type { Subject } from './subject.js'
import { Tries } from './tries.js'

const ATTEMPT_TIMEOUT_MS = 4000
const CONNECTIONS = 20
const THRESHOLD = 80

/** How long a failing connection is tried again, in milliseconds. */
const RETRY_MS = 1500

/** What the targets of one run share. */
export interface Shared extends DoctorOptions {
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly resolve: Resolve
  readonly logins: Map<string, Logins>
  /** Runs one after another what would take connections from another target's examination, or time. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

/** Examines one target: the five in their order, the looks beside them, advice at the end. */
export class Examiner {
  readonly #clean: Cleaner
  readonly #record: Examinations
  readonly #concerns: Concern[] = []
  readonly #attemptMs: number
  #facts: Health['facts'] = {}
  #failed: { by: ExaminationName; verdict: NotReady } | undefined
  #session: Session | undefined
  readonly #tries: Tries

  constructor(
    readonly patient: Patient,
    readonly shared: Shared,
  ) {
    this.#clean = new Cleaner(patient.target)
    this.#record = new Examinations(patient.target, this.#clean, shared.onExamination)
    const { attemptTimeoutMs = ATTEMPT_TIMEOUT_MS, signal, clock, resolve, logins } = shared
    this.#attemptMs = attemptTimeoutMs
    this.#tries = new Tries(patient, { attemptTimeoutMs, signal, clock, resolve, logins })
  }

  async run(): Promise<Checkup> {
    const { clock, looks = Object.values(LOOKS) } = this.shared
    const begun = clock.now()
    const first = await this.#basic()
    const readyMs = first.verdict.ready ? Math.round(clock.now() - begun) : undefined
    const subject = this.#subject(first.verdict)
    const looking = lookAround(looks, subject, clock)
    const second = await this.#retry(first)
    const readyAfterMs = readyMs ?? (second?.verdict.ready ? Math.round(clock.now() - begun) : null)
    try {
      await this.shared.alone(async () => {
        await this.#concurrent(second ?? first)
        await this.#health()
      })
      await this.#schema(first.verdict)
    } finally {
      if (this.#session) await noted(this.#session.close())
    }
    const seen = await looking
    const fault = await this.#fault(subject)
    const { facts, concerns } = merged(seen, fault?.reason)
    return {
      target: this.patient.target,
      verdict: exam.told(this.#failed?.verdict ?? first.verdict, fault),
      tries: this.#tries.count,
      readyAfterMs,
      examinations: this.#record.examinations,
      facts: this.#clean.facts(beside(facts, this.#facts)),
      concerns: [...this.#concerns, ...concerns].map(concern => this.#clean.concern(concern)),
      ...(fault ? { fault } : {}),
    }
  }

  async #basic(): Promise<Outcome> {
    const begun = this.shared.clock.now()
    const first = await this.#tries.wait({ once: true, details: true })
    this.#record.note('basic', exam.basicSeen(first), this.shared.clock.now() - begun)
    if (!first.verdict.ready) this.#failed = { by: 'basic', verdict: first.verdict }
    return first
  }

  /** A second, fresh connection, by the table as often as it takes; undefined where that would be of no use. */
  async #retry({ verdict }: Outcome): Promise<Outcome | undefined> {
    const record = this.#record
    if (!verdict.ready && !exam.healsAt(verdict)) return record.skip('retry', exam.noRetry(verdict))
    if (this.#late('retry')) return undefined
    const begun = this.shared.clock.now()
    const second = await this.#tries.wait({ timeoutMs: RETRY_MS, details: false })
    record.note('retry', exam.retrySeen(second, verdict.ready), this.shared.clock.now() - begun)
    if (!second.verdict.ready) this.#failed ??= { by: 'retry', verdict: second.verdict }
    return second
  }

  async #concurrent(last: Outcome): Promise<void> {
    const { patient, shared } = this
    const { connections = CONNECTIONS, threshold = THRESHOLD, clock } = shared
    if (!last.verdict.ready) return this.#record.skip('concurrent', exam.unreached(last.verdict))
    if (patient.target.service === 'exec')
      return this.#record.skip('concurrent', 'a command is not run many times')
    if (this.#late('concurrent')) return
    const begun = clock.now()
    const seen = await concurrent(patient, { connections, threshold }, this.#probe())
    this.#session = seen.session
    this.#record.note('concurrent', seen, clock.now() - begun)
    if (seen.ok || !seen.failure) return
    const { finding } = seen.failure
    const verdict = { ...seen.failure, finding: { ...finding, message: seen.message } }
    this.#failed ??= { by: 'concurrent', verdict }
  }

  async #health(): Promise<void> {
    const session = this.#open('health')
    if (!session) return
    await this.#ask('health', 'query', async () => {
      const { facts, concerns } = await exam.healthOf(session, () => this.shared.clock.now())
      this.#facts = facts
      const { pool } = this.patient
      const tight = pool && capacity(facts, pool)
      const all = tight ? [...concerns, tight] : concerns
      this.#concerns.push(...all)
      return exam.healthSeen(facts, all)
    })
  }

  async #schema({ steps }: Verdict): Promise<void> {
    const nothing = exam.nothingExpected(this.patient)
    if (nothing) return this.#record.skip('schema', nothing)
    const session = this.#open('schema')
    if (!session) return
    const begun = this.shared.clock.now()
    await this.#ask('schema', 'schema', async () => {
      const seen = await exam.schemaSeen(session, this.patient)
      const ms = Math.round((this.shared.clock.now() - begun) * 100) / 100
      const step = { layer: 'schema', ms, state: 'failed' } as const
      if (!seen.ok)
        this.#fail('schema', { reason: 'schema-missing', message: seen.message }, [...steps, step])
      return seen
    })
  }

  /** Asks the open session, for as long as an attempt may take. */
  async #ask(
    by: 'health' | 'schema',
    layer: 'query' | 'schema',
    work: () => Promise<exam.Seen>,
  ): Promise<void> {
    const { clock, signal } = this.shared
    const begun = clock.now()
    const trace = new Trace(() => clock.now())
    trace.heard = true
    const limit = clock.deadline(this.#attemptMs, signal)
    try {
      const seen = await trace.step(layer, () => untilAborted(work(), limit.signal), limit.signal)
      this.#record.note(by, seen, clock.now() - begun)
    } catch (error) {
      const found = finding(this.patient.service, error, trace, this.patient.target)
      const message = `${found.reason}: ${found.message}`
      this.#record.note(by, { ok: false, message }, clock.now() - begun)
      this.#fail(by, found, trace.steps)
      // What comes late on it would be taken for the answer to the next question.
      const session = this.#session
      this.#session = undefined
      if (session) await noted(session.close())
    } finally {
      limit.clear()
    }
  }

  #fail(by: 'health' | 'schema', finding: Finding, steps: NotReady['steps']): void {
    const layer = by === 'schema' ? 'schema' : 'query'
    const { name } = this.patient.target
    this.#failed ??= { by, verdict: { target: name, ready: false, steps, heard: true, layer, finding } }
  }

  /** The session, or undefined after the reason why there is none was noted. */
  #open(name: 'health' | 'schema'): Session | undefined {
    const { until, target } = this.patient
    if (until === 'tcp' || until === 'auth')
      return this.#record.skip(name, `it is asked no deeper than ${until}`)
    if (target.service === 'exec') return this.#record.skip(name, 'a command tells nothing of itself')
    if (this.#late(name)) return undefined
    if (this.#session) return this.#session
    const failed = this.#failed?.verdict
    return this.#record.skip(name, failed ? exam.unreached(failed) : 'no session is open')
  }

  #late(name: ExaminationName): boolean {
    if (this.shared.signal.aborted) this.#record.skip(name, 'the time was up')
    return this.shared.signal.aborted
  }

  #probe() {
    const { signal, clock, resolve } = this.shared
    return { timeoutMs: this.#attemptMs, signal, clock, resolve }
  }

  #subject(verdict: Verdict): Subject {
    const { target, service, sources, pool } = this.patient
    const { env = {}, signal } = this.shared
    return { target, service, verdict, sources, env, signal, ...(pool ? { pool } : {}) }
  }

  async #fault(subject: Subject): Promise<Fault | undefined> {
    if (!this.#failed) return undefined
    const { by, verdict } = this.#failed
    const { migrate, env = {}, clock, around } = this.shared
    const limit = clock.deadline(LOOK_MS, this.shared.signal)
    const pool = poolSize(this.patient)
    try {
      const advised = await adviseOn({
        subject: { ...subject, signal: limit.signal },
        verdict,
        by,
        facts: this.#facts,
        recovered: this.#record.passed('retry'),
        around: around ?? aroundHere(this.patient.target, env),
        again: async target => (await this.#tries.wait({ once: true, details: false }, target)).verdict,
        ...(pool === undefined ? {} : { pool }),
        ...(migrate ? { migrate } : {}),
      })
      return this.#clean.fault({ by, ...advised })
    } finally {
      limit.clear()
    }
  }
}
