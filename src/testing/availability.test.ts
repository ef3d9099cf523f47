import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { FakeClock } from '../../test/support/fake-clock.js'
import { fakeService, fakeTarget, type Login } from '../../test/support/fake-service.js'
import { Secret } from '../core/redact.js'
import { parseTarget } from '../core/target.js'
import type { Aim } from '../gate/outcome.js'
import { takeLock } from '../io/lockfile.js'
import { SCHEMES } from '../services/registry.js'
import { Answers } from './answers.js'
import { type Asking, available } from './availability.js'

const terms = { timeoutMs: 10_000, attemptTimeoutMs: 4000, availabilityMs: 30_000 }

function temporary(): string {
  const made = mkdtempSync(join(tmpdir(), 'hf-answers-'))
  onTestFinished(() => rmSync(made, { recursive: true }))
  return join(made, 'answers')
}

/** A service behind virtual time, and one process after another that asks for it. */
function scene(login?: (n: number, now: number) => Login) {
  const clock = new FakeClock(1_000_000)
  const service = fakeService(clock, login)
  const aim: Aim = { target: fakeTarget(), service }
  const directory = temporary()
  const { signal } = new AbortController()
  const asking = (): Asking => ({
    ...{ logins: new Map(), signal, clock, directory },
    time: () => clock.now(),
  })
  const ask = (more: Partial<Asking> = {}, at = aim, by = terms) =>
    clock.run(available(at, by, { ...asking(), ...more }))
  /** What is kept. */
  const now = () => {
    const answers = Answers.open(directory)
    return answers?.read(answers.fileOf(aim, terms), terms.availabilityMs, clock.now())
  }
  return { clock, service, aim, directory, asking, ask, now }
}

test('what one process found holds for the others', async () => {
  const { ask, service } = scene()
  const first = await ask()
  expect(await ask()).toEqual(first)
  expect(first).toMatchObject({ outcome: { state: 'ready' }, waited: false, at: 1_000_000 })
  expect(service.logins).toHaveLength(1)
})

test('after its time it is asked again, so that a service that came back is used', async () => {
  const { ask, now, clock } = scene((_, at) =>
    at < 1_020_000 ? { fails: 'connection-refused', at: 'tcp' } : {},
  )
  const { outcome, at } = await ask()
  expect(outcome.verdict.ready).toBe(false)
  await clock.advance(at + 29_999 - clock.now())
  expect((await ask()).outcome.verdict.ready).toBe(false)
  await clock.advance(1)
  expect(now()).toBeUndefined()
  expect((await ask()).outcome.verdict.ready).toBe(true)
})

test('an answer from a time to come is none', async () => {
  const { ask, service } = scene()
  await ask({ time: () => 9_000_000 })
  await ask()
  expect(service.logins).toHaveLength(2)
})

test('an absent service is asked a second time after 250 ms, and the answer is kept', async () => {
  const { ask, clock } = scene(() => ({ fails: 'connection-refused', at: 'tcp' }))
  const begun = clock.now()
  const { outcome, waited } = await ask()
  expect(outcome.verdict).toMatchObject({ ready: false, finding: { reason: 'connection-refused' } })
  expect(outcome.attempts).toBeGreaterThan(1)
  expect(clock.now() - begun).toBeGreaterThanOrEqual(250)
  expect(clock.now() - begun).toBeLessThan(350)
  expect(waited).toBe(false)
})

test('one that is gone for a moment only is there', async () => {
  const { ask } = scene((_, at) => (at < 1_000_200 ? { fails: 'connection-refused', at: 'tcp' } : {}))
  expect((await ask()).outcome.state).toBe('ready')
})

test('one that is starting is waited for until the time is up, and the answer says so', async () => {
  const { ask, now, clock } = scene(() => ({ fails: 'server-not-ready' }))
  expect((await ask()).waited).toBe(true)
  expect(clock.now()).toBeGreaterThanOrEqual(1_010_000)
  expect(now()?.waited).toBe(true)
})

test('a rejected password is one login, for however many ask', async () => {
  const { ask, service } = scene(() => ({ fails: 'authentication-failed' }))
  for (let worker = 0; worker < 16; worker++) expect((await ask()).outcome.state).toBe('broken')
  expect(service.logins).toHaveLength(1)
})

test('a run that wants to know afresh asks, and its answer is the others’', async () => {
  const { ask, now, service, clock } = scene()
  await ask()
  await clock.advance(10_000)
  await ask({ afresh: true })
  expect(service.logins).toHaveLength(2)
  expect(now()?.at).toBe(1_010_000)
})

test('the answer comes under the name that the target has for whoever asks', async () => {
  const { ask, aim } = scene()
  await ask()
  const known = await ask({}, { ...aim, target: { ...aim.target, name: 'other' } })
  expect(known.outcome).toMatchObject({ target: { name: 'other' }, verdict: { target: 'other' } })
})

test('another password, host, expectation or time is another question', async () => {
  const { ask, aim, service } = scene()
  const { target } = aim
  await ask()
  await ask({}, { ...aim, target: { ...target, password: new Secret('one') } })
  await ask({}, { ...aim, target: { ...target, password: new Secret('two') } })
  await ask({}, { ...aim, target: { ...target, params: new Map([['role', new Secret('x')]]) } })
  await ask({}, { ...aim, target: { ...target, given: new Secret('fake://db?x=1') } })
  await ask({}, { ...aim, probe: { until: 'auth' } })
  await ask({}, aim, { ...terms, timeoutMs: 20_000 })
  expect(service.logins).toHaveLength(7)
})

test('where the directory is not this user’s alone nothing is kept, and everybody asks', async () => {
  const { ask, service, directory } = scene()
  await ask()
  chmodSync(directory, 0o750)
  await ask()
  await ask()
  expect(service.logins).toHaveLength(3)
})

const NEVER = { ...terms, availabilityMs: 0 }

test('for no time at all whoever comes asks', async () => {
  const { ask, service } = scene()
  await ask({}, undefined, NEVER)
  await ask({}, undefined, NEVER)
  expect(service.logins).toHaveLength(2)
})

test('for no time at all those who come together share one answer', async () => {
  const { ask, service } = scene(() => ({ takesMs: 50 }))
  await Promise.all([1, 2, 3].map(() => ask({}, undefined, NEVER)))
  expect(service.logins).toHaveLength(1)
})

test('a login that was rejected is not tried again in its run, however old the answer is', async () => {
  const { ask, service, clock, aim } = scene(() => ({ fails: 'authentication-failed' }))
  const first = await ask({ run: 'a' }, aim, NEVER)
  await clock.advance(3_600_000)
  expect(await ask({ run: 'a' }, aim, NEVER)).toEqual(first)
  expect(await ask({ run: 'a' }, { ...aim, probe: { until: 'auth' } })).toEqual(first)
  expect(service.logins).toHaveLength(1)
  await ask({ run: 'b' }, aim, NEVER)
  await ask({ run: 'a' }, { ...aim, target: { ...aim.target, password: new Secret('corrected') } })
  expect(service.logins).toHaveLength(3)
})

test('an answer that cannot be read is none', async () => {
  const { ask, now, directory, service } = scene()
  await ask()
  const [file = ''] = readdirSync(directory).filter(name => name.endsWith('.json'))
  for (const text of ['', '{', 'null', '{"at":1000000}']) {
    writeFileSync(join(directory, file), text)
    expect(now()).toBeUndefined()
    await ask()
  }
  expect(service.logins).toHaveLength(5)
})

/** Another process looks: its lock is there. */
function elsewhere({ directory, aim, clock }: ReturnType<typeof scene>) {
  const answers = Answers.open(directory)
  if (!answers) throw new Error('the directory is private')
  const file = answers.fileOf(aim, terms)
  return { answers, file, lock: takeLock(`${file}.lock`, 60_000, () => clock.now()) }
}

test('who comes while another one looks waits for its answer', async () => {
  const it = scene()
  const { answers, file, lock } = elsewhere(it)
  const waiting = available(it.aim, terms, it.asking())
  await it.clock.advance(3000)
  const answer = {
    state: 'waiting',
    attempts: 7,
    readyAfterMs: null,
    waited: false,
    at: it.clock.now(),
  } as const
  const finding = { reason: 'dns-failure', message: 'no such name' } as const
  const verdict = { target: 'x', ready: false, layer: 'dns', steps: [], heard: false, finding } as const
  answers.write(file, { ...answer, verdict })
  lock?.release()
  expect((await it.clock.run(waiting)).outcome).toMatchObject({ attempts: 7, verdict: { finding } })
  expect(it.service.logins).toEqual([])
  expect(it.clock.pending).toBe(0)
})

test('where that one goes without an answer the next one looks', async () => {
  const it = scene()
  const { lock } = elsewhere(it)
  const waiting = available(it.aim, terms, it.asking())
  await it.clock.advance(500)
  lock?.release()
  expect((await it.clock.run(waiting)).outcome.state).toBe('ready')
})

test('nobody waits longer than a look may take', async () => {
  const it = scene()
  elsewhere(it)
  const { outcome } = await it.clock.run(available(it.aim, terms, it.asking()))
  expect(outcome.state).toBe('ready')
  expect(it.clock.now()).toBeGreaterThanOrEqual(1_010_000)
  expect(it.clock.now()).toBeLessThan(1_012_000)
})

test('an interruption ends the waiting', async () => {
  const it = scene()
  elsewhere(it)
  const stop = new AbortController()
  const waiting = available(it.aim, terms, { ...it.asking(), signal: stop.signal })
  await it.clock.advance(100)
  stop.abort(new Error('interrupted'))
  await expect(waiting).rejects.toThrow('interrupted')
  expect(it.clock.pending).toBe(0)
})

test('an interrupted look leaves neither an answer nor a lock', async () => {
  const it = scene(() => ({ takesMs: Number.POSITIVE_INFINITY }))
  const stop = new AbortController()
  const looking = available(it.aim, terms, { ...it.asking(), signal: stop.signal })
  await it.clock.advance(100)
  stop.abort(new Error('interrupted'))
  await expect(it.clock.run(looking)).rejects.toThrow('interrupted')
  expect(readdirSync(it.directory)).toEqual(['salt'])
})

test('what nobody has written for a day is removed, but not the salt', async () => {
  const { ask, directory } = scene()
  const time = () => Date.now()
  await ask({ time })
  writeFileSync(join(directory, 'old.json'), '')
  for (const name of ['old.json', 'salt']) utimesSync(join(directory, name), 0, 0)
  await ask({ time, afresh: true })
  expect(readdirSync(directory).sort()).toEqual([expect.stringMatching(/^[0-9a-f]{40}\.json$/), 'salt'])
})

test('no file name and no content has anything of a secret', async () => {
  const word = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~'), minLength: 8, maxLength: 24 })
  await fc.assert(
    fc.asyncProperty(word, word, async (password, token) => {
      const { ask, aim, directory } = scene(() => ({
        fails: new Error(`no ${password} and no ${token} here`),
      }))
      const parsed = parseTarget(`postgres://app:${password}@db/app?token=${token}`, { schemes: SCHEMES })
      const target = { ...parsed, hosts: [] }
      await ask({}, { ...aim, target })
      const written = readdirSync(directory).flatMap(name => [
        name,
        readFileSync(join(directory, name), 'utf8'),
      ])
      for (const text of written) {
        expect(text).not.toContain(password)
        expect(text).not.toContain(token)
      }
      for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o077).toBe(0)
    }),
    { numRuns: 15 },
  )
})

test('another salt gives other names', () => {
  const aim: Aim = { target: fakeTarget(), service: fakeService(new FakeClock()) }
  const names = [temporary(), temporary()].map(directory =>
    Answers.open(directory)?.fileOf(aim, terms).slice(directory.length),
  )
  expect(names[0]).toBeDefined()
  expect(names[0]).not.toBe(names[1])
})
