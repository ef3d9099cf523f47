import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ability } from '../../src/core/service.js'
import type { ProbeOptions } from '../../src/gate/options.js'
import { leavingNothing, probe, readiness, refusal, SECRET } from './probing.js'
import { isExempt, type Real } from './subject.js'
import { SUBJECTS } from './subjects.js'

const ASKED: Record<Exclude<Ability, 'query'>, ProbeOptions> = {
  write: { until: 'write' },
  schema: { until: 'schema', expect: {} },
}

describe.each(SUBJECTS)('$name', subject => {
  let server: Real
  beforeAll(async () => {
    server = await subject.start()
  })
  afterAll(() => server.remove())
  leavingNothing()

  test('a server that serves is ready, and says what it is', async () => {
    const { server: found, steps, heard } = await readiness(server.address)
    expect(found.product).toBe(subject.product)
    if (subject.version) expect(found.version).toMatch(subject.version)
    else expect(found.version).toBeUndefined()
    expect(steps.map(({ state }) => state)).toEqual(steps.map(() => 'ok'))
    expect(heard).toBe(!isExempt(subject.spoken))
  })

  test('the session of a probe answers a ping, again and again', async () => {
    const { session } = await probe(server.address)
    for (let i = 0; i < 3; i++) await session?.ping?.()
    expect(session).toBeDefined()
  })

  test('what a session tells of health is plain data without a secret, and the session goes on', async () => {
    const { session } = await probe(server.address)
    const health = await session?.health?.()
    if (!health) return
    const text = JSON.stringify(health)
    expect(JSON.parse(text)).toEqual(health)
    for (const form of [SECRET, encodeURIComponent(SECRET)]) expect(text).not.toContain(form)
    if (subject.version) expect(health.facts.version).toMatch(subject.version)
    for (const { id, message } of health.concerns) {
      expect(id).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
      expect(message).not.toMatch(/undefined|NaN|\[object/)
    }
    await session?.ping?.()
  })

  test('with until tcp nothing is said, and no session is left', async () => {
    const { verdict, session } = await probe(server.address, { until: 'tcp' })
    expect(verdict.ready).toBe(true)
    if (subject.faces.length === 0) return
    expect(session).toBeUndefined()
    expect(verdict.steps.map(({ layer }) => layer)).toEqual(['tcp'])
  })

  const asked = { ...ASKED, query: { queries: [subject.query?.yes ?? 'select 1'] } }
  for (const [ability, options] of Object.entries(asked) as [Ability, ProbeOptions][]) {
    if (subject.abilities.includes(ability)) {
      test(`it can be asked for ${ability}, and the layer is in the verdict`, async () => {
        const { steps } = await readiness(server.address, options)
        expect(steps.at(-1)).toMatchObject({ layer: ability, state: 'ok' })
      })
    } else {
      test(`it has no ${ability} layer, and says so`, async () => {
        const { finding } = await refusal(server.address, options)
        expect(finding.reason).toBe('client-misuse')
        expect(finding.message).toContain(`no ${ability} layer`)
        expect(finding.advice).toContain(ability === 'query' ? '--query' : `--until ${ability}`)
      })
    }
  }

  test('as many connections as asked answer at the same time', async () => {
    const { verdict } = await probe(server.address, { connections: 5 })
    expect(verdict.ready).toBe(true)
  })

  const { query, mourns } = subject
  if (query) {
    test('a query whose first value is false is unmet, and one that fails is told in the words of the server', async () => {
      expect(await readiness(server.address, { queries: [query.yes, query.yes] })).toBeTruthy()
      const no = await refusal(server.address, { queries: [query.yes, query.no] })
      expect(no).toMatchObject({ layer: 'query', finding: { reason: 'unmet' } })
      expect(no.finding.message).toContain(query.no)
      const broken = await refusal(server.address, { queries: [query.broken] })
      expect(broken).toMatchObject({ layer: 'query', finding: { code: expect.any(String) } })
    })
  }

  if (!isExempt(mourns)) {
    // The last one, since it ends the server.
    test('a session learns that its server has died, and its ping fails then', async () => {
      const { session } = await probe(server.address)
      await server.kill()
      await session?.closed
      if (session?.ping) await expect(session.ping()).rejects.toThrow()
    })
  }
})
