import { isatty } from 'node:tty'
import { usage } from '../core/errors.js'
import { checkConfig, checkDeploy, settle } from '../start/check.js'
import { explain } from '../start/explain.js'
import { levelOf, silenceOf } from '../start/silence.js'
import type { Call, Values, Verb } from './call.js'
import { gather } from './gather.js'
import { annotations, documentOf, type Findings, summarize, text } from './output/findings.js'
import { writeFindings } from './output/findings-junit.js'
import { checkWritable } from './output/junit.js'
import { paintFor } from './output/paint.js'

/** `holdfast check` */
export async function checkVerb({ targets, values }: Call, verbs: readonly Verb[]): Promise<number> {
  const { env } = process
  const asked = values.text('explain')
  if (asked !== undefined) {
    process.stdout.write(explain(asked))
    return 0
  }
  const format = formatOf(values)
  const deploy = values.flag('deploy')
  const given = silenceOf(values.list('silence'))
  const level = values.text('fail-level')
  const failLevel = level === undefined ? undefined : levelOf(level, '--fail-level')
  const junit = values.text('junit')
  if (junit) checkWritable(junit)
  const begun = Date.now()
  const subject = await gather(targets, values.text('config'), { env, verbs })
  const { silence, failLevel: configured } = subject.config.check ?? {}
  const concerns = [...checkConfig(subject), ...(deploy ? checkDeploy(subject) : [])]
  const settled = settle(concerns, {
    silence: { ...silence, ...given },
    failLevel: failLevel ?? configured ?? 'error',
  })
  const findings: Findings = { subject, settled, deploy, durationMs: Date.now() - begun }
  report(findings, values, format, env)
  return settled.exitStatus
}

type Format = 'text' | 'json' | 'ndjson' | 'github'

function formatOf(values: Values): Format {
  const named = values.text('format') as Format | undefined
  if (values.flag('json') && named && named !== 'json')
    throw usage(`--json contradicts --format ${named}; give one of them`)
  if (values.flag('quiet') && values.flag('verbose'))
    throw usage('--quiet contradicts --verbose; give one of them')
  return values.flag('json') ? 'json' : (named ?? 'text')
}

function report(found: Findings, values: Values, format: Format, env: NodeJS.ProcessEnv): void {
  const { counted, silenced, failed } = found.settled
  const print = (document: object) => process.stdout.write(`${JSON.stringify(document)}\n`)
  if (format === 'ndjson') {
    for (const one of [...counted, ...silenced]) print({ event: 'finding', ...one })
    print({ event: 'end', ...documentOf(found) })
  } else if (format === 'json') print(documentOf(found))
  else if (failed || !values.flag('quiet')) {
    const how = { verbose: values.flag('verbose'), quiet: values.flag('quiet') }
    process.stderr.write(text(found, how, paintFor(env, isatty(2))))
  }
  const junit = values.text('junit')
  if (junit) writeFindings(junit, found)
  const onGithub = env.GITHUB_ACTIONS === 'true'
  if (onGithub || format === 'github') process.stderr.write(annotations(found))
  if (onGithub && env.GITHUB_STEP_SUMMARY) summarize(env.GITHUB_STEP_SUMMARY, found)
}
