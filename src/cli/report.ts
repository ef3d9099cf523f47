import { isatty } from 'node:tty'
import { findConfig } from '../config/find.js'
import { isCi } from '../core/ci.js'
import { EXIT, HoldfastError, usage } from '../core/errors.js'
import { redactPath } from '../core/redact.js'
import { adviceOf } from '../core/verdict.js'
import type { Place, Surroundings } from '../journal/place.js'
import { placeGiven, placeOf } from '../journal/place.js'
import { type Records, readJournal } from '../journal/read.js'
import { workingFolder } from '../targets/resolve.js'
import { journalOpener } from '../testing/journal.js'
import { type By, summarize } from '../watch/report.js'
import { judge } from '../watch/thresholds.js'
import type { Call, Values } from './call.js'
import { checkWritable } from './output/junit.js'
import { paintFor } from './output/paint.js'
import { text } from './output/report.js'
import { annotations, documentOf, type Reported, summarizeStep, writeCases } from './output/report-files.js'
import { demandsOf, sinceOf } from './report-options.js'
import { type Format, formatOf, isDocument } from './reporting.js'

/** `holdfast report` */
export async function reportVerb({ targets, values }: Call): Promise<number> {
  const { env } = process
  const begun = Date.now()
  const format = formatOf(values)
  if (values.flag('quiet') && values.flag('verbose'))
    throw usage('--quiet contradicts --verbose; give one of them')
  const ci = isCi(env)
  const demands = demandsOf(values, ci)
  const since = sinceOf(values.text('since'), new Date())
  const junit = values.text('junit')
  if (junit) checkWritable(junit)
  const places = await placesOf(targets, values, env)
  const records = await readAll(places, since, env)
  const run = values.text('run') ?? 'last'
  const report = summarize(records.entries, { run, by: values.text('by') as By | undefined })
  if (run !== 'last' && run !== 'all' && report.runs.length === 0) throw unknownRun(run, report.all)
  const checks = judge(report, demands)
  const failed = checks.some(({ concern }) => concern?.level === 'error')
  const exitStatus = failed ? EXIT.findings : 0
  const shownPlaces = places.map(shown)
  const reported: Reported = {
    report,
    checks,
    places: shownPlaces,
    unreadable: records.unreadable,
    exitStatus,
    durationMs: Date.now() - begun,
  }
  tell(reported, values, format, env)
  return exitStatus
}

function unknownRun(run: string, all: readonly { readonly run: string }[]): HoldfastError {
  const some = all.slice(-5).map(one => one.run)
  const known = some.length > 0 ? `the last ones are ${some.join(', ')}` : 'it has no decisions at all'
  return usage(`--run: the journal has no run "${redactPath(run)}"; ${known}`)
}

async function placesOf(
  targets: readonly string[],
  values: Values,
  env: NodeJS.ProcessEnv,
): Promise<Place[]> {
  const cwd = workingFolder()
  const around: Surroundings = { env, cwd }
  if (targets.length > 0) return targets.map(text => placeGiven(text, around))
  const configFile = values.text('config') ?? findConfig(cwd)
  const loaded = configFile ? await (await import('../config/load.js')).loadConfig(configFile) : undefined
  return [placeOf(loaded?.config.journal, { ...around, configFile: loaded?.file })]
}

/** For people: where it is, without a secret. */
const shown = (place: Place): string =>
  place.kind === 'off' ? 'nowhere (the journal is off)' : place.kind === 'table' ? place.address : place.path

async function readAll(
  places: readonly Place[],
  since: Date | undefined,
  env: NodeJS.ProcessEnv,
): Promise<Pick<Records, 'entries' | 'unreadable'>> {
  const open = journalOpener(env)
  const all = await Promise.all(
    places.map(place =>
      readJournal(place, { open, since }).catch(error => Promise.reject(readable(place, error))),
    ),
  )
  // A copy of a record in another journal counts once.
  const unique = new Map(
    all.flatMap(({ entries }, i) => entries.map((one, n) => [one.id ?? `${i} ${n}`, one] as const)),
  )
  return { entries: [...unique.values()], unreadable: all.reduce((sum, one) => sum + one.unreadable, 0) }
}

function readable(place: Place, error: unknown): unknown {
  if (place.kind === 'table' && HoldfastError.is(error) && error.verdict) {
    const { verdict } = error
    const { layer, finding } = verdict
    const message = `the journal ${place.address}: ${finding.reason} at ${layer}: ${finding.message}. ${adviceOf(finding)}`
    return new HoldfastError('verdict', message, { verdict })
  }
  const { code } = error as NodeJS.ErrnoException
  if (HoldfastError.is(error) || place.kind !== 'files' || !code) return error
  return usage(`"${redactPath(place.path)}" cannot be read (${code})`)
}

function tell(reported: Reported, values: Values, format: Format, env: NodeJS.ProcessEnv): void {
  const print = (document: object) => process.stdout.write(`${JSON.stringify(document)}\n`)
  const document = documentOf(reported)
  if (isDocument(format)) print(format === 'ndjson' ? { event: 'end', ...document } : document)
  else {
    const how = { quiet: values.flag('quiet'), verbose: values.flag('verbose') }
    process.stderr.write(text(reported, how, paintFor(env, isatty(2))))
  }
  const junit = values.text('junit')
  if (junit) writeCases(junit, reported)
  const onGithub = env.GITHUB_ACTIONS === 'true'
  if (onGithub || format === 'github') process.stderr.write(annotations(reported))
  if (onGithub && env.GITHUB_STEP_SUMMARY) summarizeStep(env.GITHUB_STEP_SUMMARY, reported)
}
