import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { relative, resolve } from 'node:path'
import type { Env } from '../gate/variables.js'
import { wallClock } from '../io/clock.js'
import { thisProcess } from '../io/owner.js'
import type { Entry } from '../journal/entry.js'
import type { Journal } from '../journal/journal.js'
import { suitesFolder } from '../journal/place.js'
import type { Asking } from './asking.js'
import { ownEnvironment } from './environment.js'
import { journalFor } from './journal.js'
import type { Decided } from './memory.js'
import { type Being, type Run, runOf } from './run.js'

/** What one process has written, and where: no decision of a suite is recorded twice. */
const written = new Set<string>()
const journals = new Map<string, Journal>()

/** Appends what was decided for a suite; nothing for a caller that names none. Whether it could is not told. */
export async function record(decided: Decided, asking: Asking, durationMs: number): Promise<void> {
  const { journal, entries } = prepared(decided, asking, durationMs)
  await Promise.all(entries.map(entry => journal?.append(entry)))
}

/** The same at once; where the journal cannot, it is under way. */
export function recordSync(decided: Decided, asking: Asking, durationMs: number): void {
  const { journal, entries } = prepared(decided, asking, durationMs)
  for (const entry of entries) {
    if (journal?.appendSync) journal.appendSync(entry)
    else void journal?.append(entry)
  }
}

function prepared(
  { provided, journal: where }: Decided,
  { suite, test, cwd = process.cwd(), env = ownEnvironment() }: Asking,
  durationMs: number,
): { journal?: Journal; entries: readonly Entry[] } {
  if (suite === undefined) return { entries: [] }
  const fresh = provided.filter(one => {
    const key = JSON.stringify([cwd, suite, test, one.name])
    return !written.has(key) && written.add(key)
  })
  if (fresh.length === 0) return { entries: [] }
  const run = runOf({ ...process.env, ...env }, cwd)
  const about = {
    suite: relative(suitesFolder(cwd, where.configFile), resolve(cwd, suite)),
    ...(test === undefined ? {} : { test }),
  }
  const entries = fresh.map(
    ({ name, service, decision, reason, message, with: rung }): Entry => ({
      ...framed('decision', run),
      ...about,
      ...{ service, target: name, decision, message, durationMs: Math.round(durationMs) },
      ...(rung ? { with: rung } : {}),
      ...(reason ? { reason } : {}),
    }),
  )
  return { journal: journalOf(where, cwd, env), entries }
}

/** What every record begins with. */
export const framed = (kind: Entry['kind'], { id, ci, root, commit, worker }: Run) =>
  ({
    v: 1,
    at: new Date(wallClock()).toISOString(),
    kind,
    run: id,
    ci,
    host: hostname(),
    pid: process.pid,
    root: digestOf(root),
    ...(commit ? { commit } : {}),
    ...(worker ? { worker } : {}),
  }) as const

const JOBS = [
  'GITHUB_JOB',
  'CI_JOB_ID',
  'BUILDKITE_JOB_ID',
  'CIRCLE_BUILD_NUM',
  'CIRCLE_NODE_INDEX',
  'TRAVIS_JOB_ID',
  'SYSTEM_JOBID',
  'DRONE_STAGE_NUMBER',
  'SEMAPHORE_JOB_ID',
  'APPVEYOR_JOB_ID',
]

/** Machines that are copies of each other may have one name, and the same processes. */
function digestOf({ pid, started }: Being): string {
  const { namespace, boot } = thisProcess()
  const job = JOBS.map(name => process.env[name] ?? '')
  return createHash('sha256')
    .update(JSON.stringify([hostname(), boot, namespace, pid, started, job]))
    .digest('hex')
    .slice(0, 16)
}

function journalOf({ configured, configFile }: Decided['journal'], cwd: string, env: Env): Journal {
  const key = JSON.stringify([configured, configFile, cwd, env.HOLDFAST_JOURNAL])
  const open =
    journals.get(key) ?? journalFor({ config: { journal: configured }, configFile, cwd }, env, { warn })
  journals.set(key, open)
  return open
}

const warned = new Set<string>()

function warn(text: string): void {
  if (warned.has(text)) return
  warned.add(text)
  process.stderr.write(`holdfast: ${text}\n`)
}
