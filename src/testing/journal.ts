import type { Config } from '../config/config.js'
import { HoldfastError } from '../core/errors.js'
import { reasonOf } from '../core/reasons.js'
import type { Session } from '../core/service.js'
import { openSession } from '../gate/open.js'
import type { Env } from '../gate/variables.js'
import type { Journal, JournalOptions } from '../journal/journal.js'
import { openJournal } from '../journal/open.js'
import { placeOf } from '../journal/place.js'
import { loadService } from '../services/registry.js'
import { completed, parser } from '../targets/resolve.js'

/** The most that one attempt at the journal's database may take, in milliseconds. */
const ATTEMPT_MS = 3000

/** Opens sessions for a journal at a postgres URL; what heals is waited for. */
export const journalOpener =
  (env: Env): JournalOptions['open'] =>
  async (url, timeoutMs): Promise<Session> => {
    const parse = parser(env)
    const [wanted] = await completed([{ target: parse(url, 'journal', 'journal'), sources: [] }], parse, env)
    if (!wanted) throw new Error('no target came of an address')
    const service = await loadService(wanted.target.service)
    const { session, verdict } = await openSession(
      { target: wanted.target, service, probe: { until: 'auth' } },
      { timeoutMs, attemptTimeoutMs: Math.min(ATTEMPT_MS, timeoutMs), details: false, identify: false },
      ({ finding }) => reasonOf(finding.reason).heals === 'never',
    )
    if (session) return session
    if (!verdict.ready) throw HoldfastError.fromVerdict(verdict)
    throw new Error('no session to the journal')
  }

/**
 * The journal of this project: by HOLDFAST_JOURNAL, the configuration, else a folder.
 *
 * @throws HoldfastError (usage) for a place that cannot be one.
 */
export function journalFor(
  { config, configFile, cwd }: { config: Config; configFile?: string | undefined; cwd: string },
  env: Env,
  hears: Pick<JournalOptions, 'warn' | 'note'> = {},
): Journal {
  return openJournal(placeOf(config.journal, { env, cwd, configFile }), {
    open: journalOpener(env),
    ...hears,
  })
}
