import { EXIT } from '../core/errors.js'
import type { ReasonId } from '../core/reasons.js'
import type { NotReady } from '../core/verdict.js'
import { openSession } from '../gate/open.js'
import type { Aim, WaitOptions } from '../gate/outcome.js'
import { statusOf } from './outcome.js'
import { failed, passed, type StageEnd } from './stages.js'

export interface SchemaCheck {
  readonly met: boolean
  /** True where the answer is no answer about the schema: the target failed. */
  readonly fatal: boolean
  readonly end: StageEnd
}

/** What a migration may put right. */
const ABOUT_SCHEMA: readonly ReasonId[] = ['schema-missing', 'unmet', 'query-error']

const aboutSchema = ({ finding }: NotReady): boolean => ABOUT_SCHEMA.includes(finding.reason)

/** The targets of which a schema, or the answer to a query, is expected. */
export const expectingOf = (aims: readonly Aim[]): Aim[] =>
  aims.filter(({ probe }) => probe?.expect || (probe?.queries?.length ?? 0) > 0)

/** Asks every target whether it holds what is expected of it; met where nothing is. */
export async function checkSchema(expecting: readonly Aim[], options: WaitOptions): Promise<SchemaCheck> {
  const flaws: string[] = []
  for (const aim of expecting) {
    const probe = { ...aim.probe, until: aim.probe?.expect ? ('schema' as const) : ('query' as const) }
    const { session, verdict } = await openSession(
      { ...aim, probe },
      { ...options, details: false },
      aboutSchema,
    )
    await session?.close()
    options.signal?.throwIfAborted()
    if (verdict.ready) continue
    const text = `${aim.target.name}: ${verdict.finding.message}`
    if (!aboutSchema(verdict)) return { met: false, fatal: true, end: failed(statusOf(verdict), text) }
    flaws.push(text)
  }
  const met = flaws.length === 0
  const names = expecting.map(({ target }) => target.name).join(', ')
  return { met, fatal: false, end: met ? passed(names) : failed(EXIT.schema, flaws.join('; ')) }
}
