/** What a session tells of its server's health, for tests. */
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { Health } from '../../src/core/service.js'
import { probe } from '../conformance/probing.js'

const DOCUMENTED = readFileSync(new URL('../../docs/health.md', import.meta.url), 'utf8')

/** Opens a session and asks it. It closes after the test where the file asks for `leavingNothing()`. */
export async function healthAt(address: string): Promise<Health> {
  const { session, verdict } = await probe(address)
  if (!session?.health) throw new Error(`no session that tells its health: ${JSON.stringify(verdict)}`)
  const health = await session.health()
  expect(JSON.parse(JSON.stringify(health))).toEqual(health)
  for (const name of [...Object.keys(health.facts), ...idsOf(health)])
    expect(DOCUMENTED).toContain(`\`${name}\``)
  return health
}

/** What is missing there of one migration. */
export async function missingAt(address: string, migration: string): Promise<string | undefined> {
  const { session, verdict } = await probe(address)
  if (!session?.missing) throw new Error(`no session that knows a schema: ${JSON.stringify(verdict)}`)
  return session.missing({ migration })
}

export const idsOf = ({ concerns }: Health): string[] => concerns.map(({ id }) => id)
