import { expect, test } from 'vitest'
import type { ReasonId } from '../../src/core/reasons.js'
import { mayDescend } from '../../src/core/verdict.js'
import { leavingNothing, refusal, startedPeer } from './probing.js'
import { isExempt, type Subject } from './subject.js'
import { SUBJECTS } from './subjects.js'

leavingNothing()

interface Row {
  readonly what: string
  readonly refusal: (subject: Subject) => Subject['credentials']
  readonly reason: ReasonId
}

const ROWS: readonly Row[] = [
  { what: 'bad credentials', refusal: it => it.credentials, reason: 'authentication-failed' },
  { what: 'a server that is starting', refusal: it => it.starting, reason: 'server-not-ready' },
  { what: 'too many connections', refusal: it => it.full, reason: 'too-many-connections' },
]

for (const subject of SUBJECTS) {
  for (const row of ROWS) {
    const expected = row.refusal(subject)
    if (isExempt(expected)) continue

    test(`${subject.name}: ${row.what}: ${row.reason} after one connection, and no leave to descend`, async () => {
      const peer = await startedPeer(expected.script)
      const verdict = await refusal(subject.faces[0]?.address(peer) ?? '')
      expect(verdict).toMatchObject({
        layer: expected.layer,
        heard: true,
        finding: { reason: row.reason, code: expected.code },
      })
      expect(verdict.steps.at(-1)).toMatchObject({ layer: expected.layer, state: 'failed' })
      expect(mayDescend(verdict, false)).toBe(false)
      expect(peer.connections).toBe(1)
    })
  }
}

for (const { name, tells } of SUBJECTS) {
  if (isExempt(tells)) continue

  test(`${name}: a server that repeats the password does not get it into the verdict`, async () => {
    const peer = tells.script && (await startedPeer(tells.script))
    const verdict = await refusal(tells.address(peer ?? { host: '', port: 0 }))
    // What leavingNothing looks for was there: its place shows.
    expect(JSON.stringify(verdict)).toContain('***')
  })
}
