import { appendFileSync } from 'node:fs'
import { formatMs } from '../../core/options.js'
import type { Checkup, Examination } from '../../gate/doctor/checkup.js'
import type { DoctorEnding } from './doctor-ending.js'
import { annotation, cell } from './github.js'
import { escapeXml, writeSuite } from './junit.js'

/** A test suite with one case for each examination of each target. */
export function writeCheckups(file: string, checkups: readonly Checkup[], durationMs: number): void {
  const cases = checkups.flatMap(checkup => checkup.examinations.map(one => caseOf(checkup, one)))
  writeSuite(file, 'doctor', cases, durationMs)
}

function caseOf({ target, fault, concerns }: Checkup, one: Examination): string {
  const { examination, state, ms, message } = one
  const head = `  <testcase classname="holdfast.doctor.${escapeXml(target.name)}" name="${examination}" time="${(ms / 1000).toFixed(3)}"`
  const said = escapeXml(message)
  if (state === 'passed') return `${head}/>`
  if (state === 'skipped') return `${head}>\n    <skipped message="${said}"/>\n  </testcase>`
  const grave = concerns.find(({ level }) => level === 'error')
  const known = fault?.by === examination ? fault : examination === 'health' ? grave : undefined
  const type = known && 'reason' in known ? known.reason : (grave?.id ?? 'failed')
  const text = [`${target.address}: ${known?.message ?? message}`, known?.advice, known?.fix]
  return `${head}>\n    <failure type="${escapeXml(type)}" message="${said}">${escapeXml(text.filter(Boolean).join('\n'))}</failure>\n  </testcase>`
}

/** One annotation for each fault and each concern. */
export const checkupAnnotations = (checkups: readonly Checkup[]): string =>
  checkups
    .flatMap(({ target, fault, concerns }) => [
      ...(fault
        ? [annotation('error', `${target.name}: ${fault.reason}`, textOf(fault, target.address))]
        : []),
      ...concerns
        .filter(({ silenced }) => silenced === undefined)
        .map(one =>
          annotation(
            one.level === 'info' ? 'notice' : one.level,
            `${target.name}: ${one.id}`,
            textOf(one, target.address),
          ),
        ),
    ])
    .join('')

const textOf = (
  { message, advice, fix }: { message: string; advice?: string; fix?: string },
  address: string,
): string => `${address}: ${message}${advice ? ` → ${advice}` : ''}${fix ? `\n${fix}` : ''}`

/** Appends the table to the step's summary; a summary that cannot be written is no failure. */
export function writeCheckupSummary(file: string, { checkups, exitStatus, durationMs }: DoctorEnding): void {
  const rows = checkups.flatMap(({ target, examinations }) =>
    examinations.map(
      one =>
        `| ${[target.name, one.examination, one.state, formatMs(one.ms), one.message].map(cell).join(' | ')} |`,
    ),
  )
  const faults = checkups.flatMap(({ target, fault }) =>
    fault
      ? [
          `**${cell(target.name)}**: ${cell(`${fault.reason}: ${fault.message} → ${fault.advice}`)}`,
          ...fenced(fault.fix),
        ]
      : [],
  )
  const head = `### holdfast doctor: ${exitStatus === 0 ? 'sound' : 'not sound'} after ${formatMs(durationMs)}\n\n| target | examination | state | time | what was seen |\n|---|---|---|---|---|`
  try {
    appendFileSync(file, `${head}\n${rows.join('\n')}\n\n${faults.map(line => `${line}\n\n`).join('')}`)
  } catch {
    // The runner took the file away.
  }
}

const fenced = (fix: string | undefined): string[] => (fix ? [`\`\`\`sh\n${fix}\n\`\`\``] : [])
